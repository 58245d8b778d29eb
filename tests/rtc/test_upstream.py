"""Faults of aiortc 1.16 and aioice 0.13 that we guard against, each as small as it gets.

Beside each stands a test that a real session of ours bears the same. When one of the first kind
fails the fault is mended, and the guard that its report names may go.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiortc.rtp
import pytest
from aioice import Connection, stun
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.codecs import depayload
from aiortc.codecs.base import Decoder
from aiortc.codecs.opus import OpusDecoder
from aiortc.codecs.vpx import Vp8Decoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcsctptransport import RTCSctpTransport, SackChunk, decode_params
from google_crc32c import value as crc32c

from tests.conftest import LiveServer
from tests.media import Clip, PictureTrack, SoundTrack, synthetic_speech
from tests.peers import Peer
from tests.rtc.encoded import OPUS, VP8, noisy_pictures, sound_packets
from tests.rtc.link import Link

# --- Media -------------------------------------------------------------------------------------


def _speech() -> list[bytes]:
    return [packet.payload for packet in sound_packets(synthetic_speech(0.2))]


def _pictures() -> list[bytes]:
    return [b"".join(depayload(VP8, part) for part in parts) for parts in noisy_pictures(3)]


@pytest.mark.parametrize(
    ("decoder", "frames"),
    [(OpusDecoder, _speech), (Vp8Decoder, _pictures)],
    ids=["Opus", "VP8"],
)
def test_an_empty_frame_ends_aiortcs_decoder(
    decoder: Callable[[], Decoder], frames: Callable[[], list[bytes]]
) -> None:
    """aiortc: one RTP packet without a payload silences a track for ever.

    RFC 3550 allows packets without a payload, and senders probe for bandwidth with them. They
    reach ``OpusDecoder.decode`` and ``Vp8Decoder.decode`` as empty frames. To FFmpeg an empty
    packet means the end of the stream: the decoder is flushed, and from then on raises EOFError
    for every frame, while the track stays "live". Expected: empty frames are passed over. Guarded
    in rtc/receiver.py (sound) and rtc/assembly.py (pictures).
    """
    tested, (first, second, *_) = decoder(), frames()
    tested.decode(JitterFrame(first, 0))
    tested.decode(JitterFrame(b"", 960))
    with pytest.raises(EOFError):
        tested.decode(JitterFrame(second, 1920))


async def test_a_session_bears_empty_packets(server: LiveServer, happy_clip: Clip) -> None:
    """Voice and face go on after packets without a payload."""
    tracks = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
    async with Peer(server.url, *tracks) as peer:
        link, emptied = Link(peer), set()
        await peer.results(2)

        def empty_one_of_each(packet: aiortc.rtp.RtpPacket) -> aiortc.rtp.RtpPacket:
            if packet.payload_type not in emptied:
                emptied.add(packet.payload_type)
                packet.payload = b""
            return packet

        link.alter = empty_one_of_each
        messages = await peer.results(8)
    assert emptied >= {OPUS.payloadType, VP8.payloadType}
    assert all(each.evidence == "both" for each in messages[4:])
    assert sum(each.picture_time_ms is not None for each in messages[4:]) >= 3


# --- Datagrams ---------------------------------------------------------------------------------

_EMPTY = b""
_LONG_RTCP = b"\x80\xc8" + bytes(1499)
_BOTH_DATAGRAMS = pytest.mark.parametrize(
    "datagram", [_EMPTY, _LONG_RTCP], ids=["empty", "1501 bytes"]
)


@asynccontextmanager
async def _two_peers() -> AsyncIterator[tuple[RTCPeerConnection, RTCPeerConnection]]:
    """Two aiortc peers, connected by a data channel."""
    ours, theirs = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    try:
        channel, opened = ours.createDataChannel("any"), asyncio.Event()
        channel.on("open", opened.set)
        await ours.setLocalDescription(await ours.createOffer())
        await theirs.setRemoteDescription(ours.localDescription)
        await theirs.setLocalDescription(await theirs.createAnswer())
        await ours.setRemoteDescription(theirs.localDescription)
        async with asyncio.timeout(10):
            await opened.wait()
        yield ours, theirs
    finally:
        await ours.close()
        await theirs.close()


def _send_from_elsewhere(datagram: bytes, sdp: str) -> None:
    """Send to each media address in a description, from an address of nobody's."""
    lines = [line.split() for line in sdp.splitlines() if line.startswith("a=candidate:")]
    addresses = {(words[4], int(words[5])) for words in lines if ":" not in words[4]}
    assert addresses
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for address in addresses:
            stranger.sendto(datagram, address)


@_BOTH_DATAGRAMS
async def test_a_strangers_datagram_ends_aiortcs_connection(
    datagram: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """aiortc: an empty datagram, or one of 1501 bytes, from anybody ends a live connection.

    ``RTCDtlsTransport._recv_next`` reads ``data[0]`` of a datagram that may be empty, and catches
    ``pylibsrtp.Error`` where pylibsrtp raises ValueError ("packet is too long") for what looks like
    RTCP and has more than 1500 bytes. Both leave ``__run``, which closes the transport. Nothing
    need be known but the port, and the sender's address is not looked at. Expected: such datagrams
    are dropped. Guarded in rtc/gate.py.
    """
    async with _two_peers() as (_, theirs):
        _send_from_elsewhere(datagram, theirs.localDescription.sdp)
        async with asyncio.timeout(5):
            while theirs.connectionState != "closed":  # noqa: ASYNC110  aiortc tells nobody of it
                await asyncio.sleep(0.02)
    assert "IndexError" in caplog.text or "ValueError: packet is too long" in caplog.text


@_BOTH_DATAGRAMS
async def test_a_session_bears_a_strangers_datagrams(
    server: LiveServer, happy_clip: Clip, datagram: bytes
) -> None:
    """Results go on after datagrams of any size from somebody else."""
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        await peer.results(2)
        _send_from_elsewhere(datagram, peer.client.connection.remoteDescription.sdp)
        assert len(await peer.results(4)) == 4
        assert peer.state == "connected"


def test_aioice_raises_for_attributes_of_the_wrong_length() -> None:
    """aioice: a STUN attribute of the wrong length raises struct.error, not ValueError.

    ``StunProtocol.datagram_received`` catches ValueError. Anybody can have a traceback logged by
    the event loop with each datagram. Expected: ValueError, as for all that is malformed.
    Guarded in rtc/gate.py.
    """
    priority_of_two_bytes = struct.pack("!HHH2x", 0x0024, 2, 0)
    header = struct.pack("!HHI12s", 1, len(priority_of_two_bytes), stun.COOKIE, b"t" * 12)
    with pytest.raises(struct.error):
        stun.parse_message(header + priority_of_two_bytes)


async def test_aioice_keeps_whatever_comes_before_the_peer() -> None:
    """aioice: what strangers send before a connection is up is kept without a limit.

    ``Connection.data_received`` puts all that is not STUN, from any address, into an unbounded
    queue that nobody reads until checks have succeeded. Expected: data of addresses that passed
    no check is dropped (RFC 8445, section 12.2), or the queue is bounded. Guarded in rtc/gate.py.
    """
    connection = Connection(ice_controlling=False)
    await connection.gather_candidates()
    try:
        (protocol, *_) = connection._protocols
        for _ in range(5000):
            protocol.datagram_received(bytes(1000), ("192.0.2.1", 9))
        assert connection._queue.qsize() == 5000
    finally:
        await connection.close()


# --- SCTP --------------------------------------------------------------------------------------


class _EndlessError(Exception):
    """Something is read again and again."""


class _ImpatientBytes(bytes):
    """Bytes that bear a thousand looks."""

    looks = 0

    def __getitem__(self, key: object) -> bytes:
        self.looks += 1
        if self.looks > 1000:
            raise _EndlessError
        return super().__getitem__(key)


def test_aiortc_reads_a_parameter_of_no_length_for_ever() -> None:
    """aiortc: an SCTP parameter with a length of 0 stops the process.

    ``decode_params`` advances by the length that a parameter says it has, without a check. With 0
    it never ends, and takes more memory with each round: one HEARTBEAT of 20 bytes from a
    connected peer stops the event loop, and with it everybody else's connection. Expected: a
    length below 4 is malformed (RFC 9260, section 3.2.1). Guarded in rtc/sctp.py.
    """
    with pytest.raises(_EndlessError):
        decode_params(_ImpatientBytes(bytes(4)))


async def test_aiortc_counts_through_the_gaps_of_a_sack() -> None:
    """aiortc: a SACK of a few hundred bytes occupies the event loop for seconds.

    ``_receive_sack_chunk`` makes a set of every number in every gap, though nothing was sent that
    they could be of. A packet holds more than 300 gaps of 65,536 numbers each. Expected: gaps that
    overlap, or lie beyond what was sent, are ignored. Guarded in rtc/sctp.py.
    """
    async with _two_peers() as (_, theirs):
        association: RTCSctpTransport = theirs.sctp
        chunk = SackChunk()
        chunk.cumulative_tsn, chunk.advertised_rwnd = association._last_sacked_tsn, 1 << 17
        chunk.gaps = [(1, 65_535)] * 20  # 96 bytes
        began_at = time.process_time()
        await association._receive_sack_chunk(chunk)
        assert time.process_time() - began_at > 0.02


def _chunk(kind: int, body: bytes) -> bytes:
    return struct.pack("!BBH", kind, 0, 4 + len(body)) + body


def _heartbeat(_: int) -> bytes:
    """A parameter of no length."""
    return _chunk(4, bytes(4))


def _sack(newest: int) -> bytes:
    """Gaps of all numbers behind the newest, over and over."""
    gaps = struct.pack("!HH", 1, 65_535) * 300
    return _chunk(3, struct.pack("!LLHH", newest, 1 << 17, 300, 0) + gaps)


@pytest.mark.parametrize("make", [_heartbeat, _sack])
async def test_a_session_bears_malformed_sctp(
    server: LiveServer, happy_clip: Clip, make: Callable[[int], bytes]
) -> None:
    """What stops aiortc changes nothing for the peer that sent it."""
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        await peer.results(2)
        association = peer.client.connection.sctp
        chunk = make(association._last_received_tsn)
        head = struct.pack("!HHL", 5000, 5000, association._remote_verification_tag)
        checksum = struct.pack("<L", crc32c(head + bytes(4) + chunk))
        began_at = time.monotonic()
        await association.transport._send_data(head + checksum + chunk)
        reply = await peer.ask(w_voice=0.25)
        assert reply["w_voice"] == 0.25
        assert time.monotonic() - began_at < 1
        assert len(await peer.results(3)) == 3
