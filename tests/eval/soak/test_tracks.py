"""A track that stalls: silent for a while, then on at its pace."""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction

import pytest

from eval.bench.media import EncodedLoop
from eval.bench.peers import EncodedTrack
from eval.soak.tracks import StallingTrack

LOOP = EncodedLoop((b"a", b"b", b"c"), Fraction(1, 50))


@pytest.fixture
async def track() -> StallingTrack:
    """A track of sound, fifty frames a second."""
    return StallingTrack(EncodedTrack("audio", LOOP))


async def test_it_sends_what_it_is_given(track: StallingTrack) -> None:
    """Without a stall, frames and times are those of the encoded track."""
    packets = [await track.recv() for _ in range(5)]
    assert [bytes(packet) for packet in packets] == [b"a", b"b", b"c", b"a", b"b"]
    assert [packet.pts for packet in packets] == [0, 1, 2, 3, 4]
    assert track.kind == "audio"


async def test_nothing_comes_while_it_stalls(track: StallingTrack) -> None:
    """What was due meanwhile is not sent until it goes on."""
    await track.recv()
    track.stall()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(track.recv()), 0.2)


async def test_it_goes_on_at_its_pace_after_a_leap_in_time(track: StallingTrack) -> None:
    """No frame is left out, none is made up for in a hurry, and times tell how long it was."""
    await track.recv()
    track.stall()
    waiting = asyncio.ensure_future(track.recv())
    await asyncio.sleep(0.5)
    track.go_on()
    first = await waiting
    began_at = time.monotonic()
    later = [await track.recv() for _ in range(10)]
    assert bytes(first) == b"b"
    assert first.pts == pytest.approx(1 + 25, abs=4)
    assert [packet.pts - first.pts for packet in later] == list(range(1, 11))
    assert time.monotonic() - began_at >= 0.15
