"""What a peer that was let in sends in the place of media: properly encrypted, badly made."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from eval.fuzz.mutation import mutated, telling

_RTCP_KINDS = (200, 201, 202, 203, 204, 205, 206, 207, 208, 192, 193, 209, 215, 223)
_LONGEST = 1200  # bytes of a payload; with encryption it must fit into a datagram
_FIRST_PART, _NEXT_PART = b"\x10", b"\x00"  # of a VP8 frame: RFC 7741, section 4.2

OPUS_TYPE, VP8_TYPE = 96, 97  # as aiortc offers them


@dataclass
class Stream:
    """One stream of an attacker.

    Attributes:
        payload_type: that was agreed on for it.
        ssrc: that its packets have, but for those that pretend to be of others.
        frames: honest ones, VP8 or Opus.
        ticks: of its clock, from one honest frame to the next.
        number, timestamp: of its newest packet.
        next: the honest frame that is to be sent.
    """

    payload_type: int
    ssrc: int
    frames: tuple[bytes, ...]
    ticks: int
    number: int = 0
    timestamp: int = 0
    next: int = 0

    @property
    def is_picture(self) -> bool:
        """Whether it is of VP8."""
        return self.payload_type == VP8_TYPE

    def sample(self, rng: Random) -> bytes:
        """Return an honest payload."""
        frame = rng.choice(self.frames)[:_LONGEST]
        return _FIRST_PART + frame if self.is_picture else frame


Maker = Callable[[Random, Stream], bytes]


def honest_packets(stream: Stream) -> list[bytes]:
    """Return the next frame, well made: without it, what is damaged would never be decoded."""
    frame = stream.frames[stream.next]
    stream.next = (stream.next + 1) % len(stream.frames)
    stream.timestamp = (stream.timestamp + stream.ticks) % (1 << 32)
    parts = [frame[at : at + _LONGEST] for at in range(0, len(frame), _LONGEST)]
    packets = []
    for number, part in enumerate(parts):
        descriptor = _NEXT_PART if number else _FIRST_PART
        payload = descriptor + part if stream.is_picture else part
        is_last = number == len(parts) - 1
        packets.append(_packet(stream, payload, marker=is_last and stream.is_picture, ticks=0))
    return packets


def _packet(  # noqa: PLR0913  a header has so many fields
    stream: Stream,
    payload: bytes,
    *,
    first: int = 0x80,
    payload_type: int | None = None,
    marker: bool = True,
    ssrc: int | None = None,
    ticks: int | None = None,
) -> bytes:
    stream.number = (stream.number + 1) % (1 << 16)
    stream.timestamp += stream.ticks if ticks is None else ticks
    stream.timestamp %= 1 << 32
    kind = stream.payload_type if payload_type is None else payload_type
    numbers = stream.number, stream.timestamp, stream.ssrc if ssrc is None else ssrc
    return struct.pack("!BBHLL", first, kind | marker << 7, *numbers) + payload[: _LONGEST + 100]


def _empty(_: Random, stream: Stream) -> bytes:
    return _packet(stream, b"")


def _damaged(rng: Random, stream: Stream) -> bytes:
    return _packet(stream, mutated(rng, stream.sample(rng)), marker=rng.random() < 0.7)


def _random(rng: Random, stream: Stream) -> bytes:
    return _packet(stream, rng.randbytes(rng.choice((1, 2, 3, 50, 1200))))


def _extension(rng: Random, stream: Stream) -> bytes:
    """Header extensions (RFC 8285) of any profile, with lengths that are not theirs."""
    words = rng.randrange(8)
    profile = rng.choice((0xBEDE, 0x1000, 0x100F, rng.getrandbits(16)))
    body = struct.pack("!HH", profile, words) + rng.randbytes(4 * words)
    return _packet(stream, body + stream.sample(rng), first=0x90)


def _contributors(rng: Random, stream: Stream) -> bytes:
    count = rng.randrange(16)
    return _packet(stream, rng.randbytes(4 * count), first=0x80 | count)


def _padding(rng: Random, stream: Stream) -> bytes:
    payload = stream.sample(rng)[: rng.randrange(40)]
    return _packet(stream, payload + bytes([telling(rng, 8)]), first=0xA0)


def _other_type(rng: Random, stream: Stream) -> bytes:
    kind = rng.choice((0, 8, 9, 63, 72, 81, 95, 127, rng.randrange(128)))
    return _packet(stream, stream.sample(rng), payload_type=kind)


def _other_stream(rng: Random, stream: Stream) -> bytes:
    return _packet(stream, stream.sample(rng), ssrc=rng.getrandbits(32))


def _leap(rng: Random, stream: Stream) -> bytes:
    stream.number = telling(rng, 16)
    stream.timestamp = telling(rng, 32)
    return _packet(stream, stream.sample(rng), marker=rng.random() < 0.5)


def _unfinished(rng: Random, stream: Stream) -> bytes:
    """One more part of a picture that never ends."""
    return _packet(stream, _NEXT_PART + rng.randbytes(_LONGEST), marker=False, ticks=0)


def _large_picture(rng: Random, stream: Stream) -> bytes:
    """A VP8 key frame of up to 16383 x 16383 (RFC 6386, section 9.1) behind its descriptor."""
    sides = rng.choice((16383, 8192, 1)), rng.choice((16383, 8192, 1))
    head = b"\x10" + b"\x50\x01\x00" + b"\x9d\x01\x2a" + struct.pack("<HH", *sides)
    return _packet(stream, head + rng.randbytes(rng.randrange(1000)))


def _odd_opus(rng: Random, stream: Stream) -> bytes:
    """Any configuration and number of frames (RFC 6716, section 3)."""
    head = bytes([rng.randrange(256), rng.randrange(256)])
    return _packet(stream, head + rng.randbytes(rng.choice((0, 1, 10, 300, 1270))))


RTP: dict[str, Maker] = {
    "RTP, empty": _empty,
    "RTP, damaged": _damaged,
    "RTP, random": _random,
    "RTP, header extensions": _extension,
    "RTP, contributors": _contributors,
    "RTP, padding": _padding,
    "RTP, other types": _other_type,
    "RTP, other streams": _other_stream,
    "RTP, leaps": _leap,
    "RTP, unfinished": _unfinished,
    "RTP, large pictures": _large_picture,
    "RTP, odd Opus": _odd_opus,
}


def malformed_rtcp(rng: Random, stream: Stream) -> bytes:
    """Return a compound packet (RFC 3550, section 6.1) of anything, with lengths right or wrong."""
    compound = b""
    for _ in range(rng.randint(1, 4)):
        body = struct.pack("!L", rng.choice((stream.ssrc, rng.getrandbits(32))))
        body += rng.choice((b"", b"REMB", rng.randbytes(24))) + rng.randbytes(rng.randrange(60))
        length = rng.choice((len(body) // 4, len(body) // 4, telling(rng, 16)))
        first = 0x80 | rng.choice((0, 0x20)) | rng.randrange(32)
        compound += struct.pack("!BBH", first, rng.choice(_RTCP_KINDS), length) + body
    return compound
