"""Faults of aiortc 1.16 and aioice 0.13 that we guard against, each as small as it gets.

Beside each stands a test that a real session of ours bears the same. When one of the first kind
fails the fault is mended, and the guard that its report names may go.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

import aiortc.rtp
import pytest
from aiortc.codecs import depayload
from aiortc.codecs.base import Decoder
from aiortc.codecs.opus import OpusDecoder
from aiortc.codecs.vpx import Vp8Decoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcsctptransport import RTCSctpTransport, SackChunk, decode_params
from aiortc.sdp import SessionDescription
from google_crc32c import value as crc32c

from tests.conftest import LiveServer
from tests.media import Clip, PictureTrack, SoundTrack, synthetic_speech
from tests.peers import Peer
from tests.rtc.encoded import OPUS, VP8, noisy_pictures, sound_packets
from tests.rtc.link import Link
from tests.rtc.two_peers import two_peers

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
    async with two_peers() as (_, theirs):
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


# --- SDP ---------------------------------------------------------------------------------------


def test_aiortc_multiplies_lines_of_an_offer() -> None:
    """aiortc: an offer of 64 KB takes 15 s and 500 MB to read.

    For each ``a=rtcp-fb:*`` line ``SessionDescription.parse`` adds an object to each codec, however
    many of both there are, and whether or not a codec is there twice. Expected: no more codecs than
    there are payload types. Guarded in rtc/offers.py.
    """
    head = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96\r\n"
    sdp = head + "a=rtpmap:96 a/1\r\n" * 200 + "a=rtcp-fb:* n\r\n" * 200
    (media,) = SessionDescription.parse(sdp).media
    assert sum(len(codec.rtcpFeedback) for codec in media.rtp.codecs) == 200 * 200
