"""The way in, from real peers through real sessions: with losses, garbage and empty packets."""

from __future__ import annotations

import random

import aiortc.rtp
import pytest
from aiortc.rtp import RtcpRrPacket

from rtc.messages import EmotionMessage
from rtc.receiver import MediaReceiver, _sort
from rtc.session import PeerSession
from tests.conftest import LiveServer
from tests.media import PICTURE_RATE_HZ, Clip, PictureTrack, SoundTrack
from tests.peers import Peer
from tests.rtc.encoded import OPUS, VP8
from tests.rtc.link import Link

_SOUND, _PICTURES = OPUS.payloadType, VP8.payloadType
_RETRANSMITTED = _PICTURES + 1


def _session(server: LiveServer) -> tuple[PeerSession, MediaReceiver]:
    (session,) = server.registry.sessions.values()
    assert session._receiver is not None
    return session, session._receiver


def _with_new_faces(messages: list[EmotionMessage]) -> int:
    return sum(each.face is not None and each.picture_time_ms is not None for each in messages)


async def test_with_a_tenth_of_the_packets_lost_faces_go_on(
    server: LiveServer, happy_clip: Clip
) -> None:
    """What is lost is asked for, sent again and decoded; losses are reported to the sender."""
    rng = random.Random(1)
    pictures = PictureTrack(happy_clip.pictures)
    async with Peer(server.url, SoundTrack(happy_clip.sound), pictures) as peer:
        link = Link(peer)
        await peer.results(2)
        session, receiver = _session(server)
        link.alter = lambda packet: None if rng.random() < 0.1 else packet
        link.sent.clear()
        decoded_before, sent_before = session.counts.pictures, pictures.sent
        messages = await peer.results(16)
        decoded = session.counts.pictures - decoded_before
        assert _with_new_faces(messages) >= 11
        assert sum(each.voice is not None for each in messages) >= 14
        assert decoded > 0.7 * (pictures.sent - sent_before)
        assert len(link.nacks()) >= 5
        assert link.sent[_RETRANSMITTED] >= 5
        assert link.losses_reported() > 5
        assert receiver.refused == 0


async def test_without_retransmissions_a_key_frame_is_asked_for(
    server: LiveServer, happy_clip: Clip
) -> None:
    """When what was lost never comes, pictures go on from a key frame that the sender is asked
    for, and none that would need the lost one is shown.
    """
    async with Peer(server.url, PictureTrack(happy_clip.pictures)) as peer:
        link = Link(peer)
        await peer.results(3)
        session, _ = _session(server)
        asked_before = len(link.requests_for_keys())
        lost: set[int] = set()

        def lose_one(packet: aiortc.rtp.RtpPacket) -> aiortc.rtp.RtpPacket | None:
            if packet.payload_type == _RETRANSMITTED:
                return None
            if not lost:
                lost.add(packet.sequence_number)
                return None
            return packet

        link.alter = lose_one
        messages = await peer.results(10)
        assert [number for each in link.nacks() for number in each.lost].count(*lost) >= 2
        assert len(link.requests_for_keys()) == asked_before + 1
        for _ in range(8):  # on a busy machine a result may come before the next look
            if _with_new_faces(messages[-4:]) < 4:
                messages += await peer.results(1)
        assert _with_new_faces(messages[-4:]) == 4
        assert sum(each.picture_time_ms is None for each in messages) <= 4
        assert session._pictures._is_damaged is False


async def test_without_losses_nothing_is_asked_for(server: LiveServer, happy_clip: Clip) -> None:
    """On a good line every picture is decoded, and the sender hears reports only."""
    pictures = PictureTrack(happy_clip.pictures)
    async with Peer(server.url, SoundTrack(happy_clip.sound), pictures) as peer:
        link = Link(peer)
        await peer.results(3)
        session, receiver = _session(server)
        decoded_before, sent_before = session.counts.pictures, pictures.sent
        await peer.results(6)
        decoded = session.counts.pictures - decoded_before
        assert decoded == pytest.approx(pictures.sent - sent_before, abs=PICTURE_RATE_HZ // 2 + 2)
        assert (link.nacks(), link.requests_for_keys()) == ([], [])
        reports = [each for each in link.told if isinstance(each, RtcpRrPacket) and each.reports]
        assert {one.packets_lost for each in reports for one in each.reports} == {0}
        assert receiver.refused == 0


async def test_empty_packets_do_not_silence_the_sound(server: LiveServer, happy_clip: Clip) -> None:
    """To a decoder nothing means the end; sound goes on after packets without a payload."""
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        link = Link(peer)
        await peer.results(2)
        emptied = []

        def empty(packet: aiortc.rtp.RtpPacket) -> aiortc.rtp.RtpPacket:
            if packet.payload_type == _SOUND and packet.sequence_number % 50 == 0:
                emptied.append(packet)
                packet.payload = b""
            return packet

        link.alter = empty
        await peer.results(4)
        session, receiver = _session(server)
        sound = session._sound
        before = sound.window.added
        messages = await peer.results(4)
        assert len(emptied) >= 2
        assert sound.window.added - before > 1.2 * 16_000
        assert all(each.voice is not None and each.audio_level > 0.003 for each in messages)
        assert (sound.damaged, receiver.refused) == (0, 0)


async def test_garbage_is_counted_and_harms_nothing(server: LiveServer, happy_clip: Clip) -> None:
    """What looks like RTP but is not encrypted, or has an unknown type, changes no result."""
    rng = random.Random(2)
    sound, pictures = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
    async with Peer(server.url, sound, pictures) as peer:
        link = Link(peer)
        await peer.results(2)
        _, receiver = _session(server)
        for number in range(100):
            head = bytes([0x80 | rng.randrange(64), rng.choice([96, 97, 98, 225, 226])])
            await link.dtls.transport._send(head + rng.randbytes(number))
        await link.dtls.transport._send(b"\x80")  # too short to tell what it is
        unknown = aiortc.rtp.RtpPacket(127, 0, 5, 6, 7, b"what is this")
        nothing = aiortc.rtp.RtpPacket(_RETRANSMITTED, 0, 5, 6, 8, b"")
        for packet in (unknown, nothing):
            await link.dtls._send_rtp(packet.serialize())
        messages = await peer.results(4)
        assert receiver.refused == 102
        assert all(each.evidence == "both" for each in messages)
        assert _with_new_faces(messages) >= 3


async def test_a_peer_has_so_many_streams_and_no_more(server: LiveServer, happy_clip: Clip) -> None:
    """libsrtp keeps every source that it has decrypted, so further ones are not decrypted."""
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        link = Link(peer)
        await peer.results(2)
        _, receiver = _session(server)
        for source in range(1, 101):
            packet = aiortc.rtp.RtpPacket(127, 0, 5, 6, source, b"of another source")
            await link.dtls._send_rtp(packet.serialize())
        messages = await peer.results(4)
        assert len(receiver._sources) == 64
        assert receiver.packets - link.sent[_SOUND] < 64 < receiver.refused == 100
        assert all(each.voice is not None for each in messages)


async def test_damaged_pictures_are_no_failure_of_ours(
    server: LiveServer, happy_clip: Clip, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be decoded is the peer's affair: nothing of it is in the log as an error."""
    async with Peer(server.url, PictureTrack(happy_clip.pictures)) as peer:
        link = Link(peer)
        await peer.results(2)

        def damage(packet: aiortc.rtp.RtpPacket) -> aiortc.rtp.RtpPacket:
            if packet.payload_type == _PICTURES:
                head = b"\x10" + b"\x50\x01\x00" + b"not" + b"\x40\x00\x40\x00"
                packet.payload, packet.marker = head + bytes(50), 1
            return packet

        link.alter = damage
        await peer.results(6)
        link.alter = lambda packet: packet
        assert _with_new_faces(await peer.results(8)) >= 3
    assert [each for each in caplog.records if each.levelname in {"ERROR", "WARNING"}] == []


async def test_aiortcs_own_receivers_are_relieved(server: LiveServer, happy_clip: Clip) -> None:
    """They get no media, so they keep nothing by which to measure its rate."""
    async with Peer(server.url, PictureTrack(happy_clip.pictures)) as peer:
        await peer.results(1)
        session, _ = _session(server)
        (transceiver,) = session._peer.getTransceivers()
        (theirs,) = peer.client.connection.getTransceivers()
        for each, is_relieved in ((transceiver, True), (theirs, False)):
            estimator = vars(each.receiver)["_RTCRtpReceiver__remote_bitrate_estimator"]
            assert (estimator is None) is is_relieved


async def test_packets_that_come_before_the_keys_are_kept(
    server: LiveServer, happy_clip: Clip
) -> None:
    """A peer that is connected a moment earlier than we are loses no sound by it."""
    sound = SoundTrack(happy_clip.sound)
    async with Peer(server.url, sound) as peer:
        await peer.results(2)
        session, receiver = _session(server)
        (transport,) = receiver._transports
        keys, transport._rx_srtp = transport._rx_srtp, None
        added_before, sent_before = session._sound.window.added, sound.sent
        await peer.results(1)
        assert session._sound.window.added == added_before
        assert len(receiver._early) > 10
        transport._rx_srtp = keys
        await peer.results(1)
        added = session._sound.window.added - added_before
        assert added == pytest.approx((sound.sent - sent_before) * 320, abs=3 * 320)
        assert receiver._early == []
        assert receiver.refused == 0


@pytest.mark.parametrize(
    ("data", "is_media"),
    [
        (b"\x80\x60", True),
        (b"\xbf\xe1", True),
        (b"\x80\xe0", True),
        (b"\x80\xbf", True),
        (b"\x80\xc0", False),
        (b"\x80\xc8", False),
        (b"\x81\xce", False),
        (b"\x80\xdf", False),
        (b"\x7f\x60", False),
        (b"\xc0\x60", False),
        (b"\x00\x01", False),
        (b"\x16\xfe", False),
        (b"\x80", False),
        (b"", False),
    ],
)
def test_only_media_is_taken(data: bytes, *, is_media: bool) -> None:
    """By its first two bytes RTP is told from RTCP, STUN and DTLS, which go where they went."""
    taken: list[tuple[bytes, str]] = []
    passed: list[tuple[bytes, str]] = []
    _sort(lambda *args: taken.append(args), lambda *args: passed.append(args), data, "address")
    came = [(data, "address")]
    assert (taken, passed) == ((came, []) if is_media else ([], came))
