"""A track that arrives and cannot be decoded is noticed, told, and begun anew."""

from __future__ import annotations

from aiortc.rtp import RtpPacket

from rtc.config import ServerConfig, SessionConfig
from rtc.watchdog import Watchdog
from tests.conftest import StartServer
from tests.media import Clip, PictureTrack, SoundTrack
from tests.peers import Peer
from tests.rtc.encoded import OPUS, VP8
from tests.rtc.link import Alter, Link


def test_packets_without_frames_are_noticed_after_the_patience() -> None:
    """Nothing is said before, and then once for every three seconds."""
    watchdog = Watchdog(3.0)
    said = [watchdog.is_stalled(10 * tick, 0, tick / 2) for tick in range(1, 16)]
    assert [tick for tick, is_said in enumerate(said, 1) if is_said] == [7, 13]


def test_a_frame_ends_the_suspicion() -> None:
    """With a single frame the three seconds begin anew."""
    watchdog = Watchdog(3.0)
    frames = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    said = [watchdog.is_stalled(tick, f, tick / 2) for tick, f in enumerate(frames, 1)]
    assert not any(said)


def test_a_track_that_is_silent_is_not_stalled() -> None:
    """Who turns the camera off sends no packets, and nothing is said."""
    watchdog = Watchdog(3.0)
    watchdog.is_stalled(10, 5, 0.5)
    assert not any(watchdog.is_stalled(10, 5, tick / 2) for tick in range(2, 40))


async def test_sound_that_cannot_be_decoded_is_told_and_comes_back(
    start_server: StartServer, happy_clip: Clip
) -> None:
    """With every payload damaged the peer is told; when they are whole again, voice results come
    over the same connection.
    """
    server = await start_server(ServerConfig(session=SessionConfig(stall_s=1.0)))
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        link = Link(peer)
        await peer.results(2)
        link.alter = _damaging(OPUS.payloadType)
        await peer.notice("sound-stalled")
        link.alter = lambda packet: packet
        await peer.results(4)
        assert (await peer.results(2))[-1].sound_time_ms is not None


async def test_pictures_that_cannot_be_decoded_are_told_and_come_back(
    start_server: StartServer, happy_clip: Clip
) -> None:
    """With every picture damaged the peer is told, and asked for a key frame, from which it goes
    on.
    """
    server = await start_server(ServerConfig(session=SessionConfig(stall_s=1.0)))
    async with Peer(server.url, PictureTrack(happy_clip.pictures)) as peer:
        link = Link(peer)
        await peer.results(2)
        link.alter = _damaging(VP8.payloadType)
        await peer.notice("pictures-stalled")
        link.alter = lambda packet: packet
        await peer.results(4)
        assert (await peer.results(2))[-1].picture_time_ms is not None


def _damaging(payload_type: int) -> Alter:
    def damage(packet: RtpPacket) -> RtpPacket:
        if packet.payload_type == payload_type:
            # Of Opus a number of frames that is none (RFC 6716, R5); of VP8 no picture at all.
            packet.payload = b"\x03\x00" if payload_type == OPUS.payloadType else b"\x10"
        return packet

    return damage
