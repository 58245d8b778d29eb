"""When a sender is asked again: not too early, not for ever, and for a key frame where that fails.

What comes of it is seen over a bad network in tests/eval/network/test_network.py.
"""

from __future__ import annotations

import aiortc.rtp
import pytest

from rtc.repair import Repair
from tests.conftest import LiveServer
from tests.media import Clip, PictureTrack, SoundTrack
from tests.peers import Peer
from tests.rtc.encoded import OPUS
from tests.rtc.link import Link


def test_what_is_missing_is_asked_for_at_once() -> None:
    """The first time nobody waits; then it gets some time to come."""
    repair = Repair()
    assert repair.numbers([], 0.0) == []
    assert repair.due_at is None
    assert repair.numbers([7, 9], 0.0) == [7, 9]
    assert repair.numbers([7, 9, 12], 0.03) == [12]
    assert repair.due_at == pytest.approx(0.05)


def test_what_does_not_come_is_asked_for_again() -> None:
    """After that time only what still lacks is asked for."""
    repair = Repair()
    repair.numbers([7, 9], 0.0)
    assert repair.numbers([9], 0.05) == [9]
    assert repair.numbers([9], 0.06) == []
    assert repair.numbers([], 0.07) == []
    assert repair.due_at is None


def test_nothing_is_asked_for_for_ever() -> None:
    """Where nobody answers, as after a camera was taken away, the requests end."""
    repair, asked, now = Repair(), 0, 0.0
    while (due_at := repair.due_at) is not None or not asked:
        now = max(now, due_at or 0.0)
        asked += len(repair.numbers([7], now))
    assert asked == 10
    assert now < 1
    assert repair.numbers([7], 60.0) == []


def test_a_stream_that_begins_is_given_time() -> None:
    """Its key frame is on its way; it is asked for only when it does not come."""
    repair = Repair()
    assert not repair.wants_key(0.0, needs_key=True)
    assert not repair.wants_key(0.29, needs_key=True)
    assert repair.wants_key(0.3, needs_key=True)


def test_a_key_frame_is_asked_for_as_soon_as_nothing_else_helps() -> None:
    """In the middle of a stream nobody waits for it; it is asked for again when it does not come,
    and not more often than it takes to come.
    """
    repair = Repair()
    assert not repair.wants_key(0.0, needs_key=False)
    assert repair.wants_key(1.0, needs_key=True)
    asked = [now / 100 for now in range(101, 391) if repair.wants_key(now / 100, needs_key=True)]
    assert asked == pytest.approx([1.6, 2.2, 2.8, 3.4], abs=0.011)
    assert not repair.wants_key(3.7, needs_key=False)
    assert not repair.wants_key(3.8, needs_key=True)
    assert repair.wants_key(4.1, needs_key=True)


async def test_what_is_missing_is_asked_for_though_nothing_else_comes(
    server: LiveServer, happy_clip: Clip
) -> None:
    """When of all pictures one packet comes, and the one before it does not, that one is asked for
    again and again, until it is no use.
    """
    tracks = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
    async with Peer(server.url, *tracks) as peer:
        link = Link(peer)
        await peer.results(2)
        numbers: list[int] = []

        def lose_all_but_the_second(packet: aiortc.rtp.RtpPacket) -> aiortc.rtp.RtpPacket | None:
            if packet.payload_type == OPUS.payloadType:
                return packet
            numbers.append(packet.sequence_number)
            return packet if len(numbers) == 2 else None

        link.alter = lose_all_but_the_second
        await peer.results(3)
        asked = [number for each in link.nacks() for number in each.lost]
        assert asked.count(numbers[0]) == 10
