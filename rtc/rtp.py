"""RTP packets, as far as a receiver needs them: RFC 3550, section 5.1, and RFC 4588."""

from __future__ import annotations

import struct
from typing import NamedTuple

_FIXED = struct.Struct("!BBHII")
_LEAST_BYTES = _FIXED.size
_SEQUENCE_NUMBERS = 1 << 16


class RtpPacket(NamedTuple):
    """One packet. A tuple, since tens of thousands are made in a minute.

    Attributes:
        marker: the last packet of a picture; of sound, the first after a pause.
        timestamp: of the sender's clock at capture, 32 bits that wrap.
    """

    payload_type: int
    marker: bool
    sequence_number: int
    timestamp: int
    ssrc: int
    payload: bytes


def parse(data: bytes) -> RtpPacket:
    """Read a packet after its decryption.

    Raises:
        ValueError: it is cut off, or of another version than 2.
    """
    if len(data) < _LEAST_BYTES:
        raise ValueError("the packet is shorter than its header")
    first, second, sequence_number, timestamp, ssrc = _FIXED.unpack_from(data)
    if first >> 6 != 2:
        raise ValueError(f"version {first >> 6} of RTP")
    start = _LEAST_BYTES + 4 * (first & 0x0F)  # behind the contributing sources
    if first & 0x10:
        if len(data) < start + 4:
            raise ValueError("the packet is shorter than its header extension")
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data)
    if first & 0x20:
        if not data[-1]:
            raise ValueError("the padding does not count itself")
        end -= data[-1]
    if end < start:
        raise ValueError("the packet is shorter than its header or its padding")
    return RtpPacket(
        second & 0x7F, second >= 0x80, sequence_number, timestamp, ssrc, data[start:end]
    )


def unwrapped(packet: RtpPacket, payload_type: int, ssrc: int) -> RtpPacket:
    """Return the packet that a retransmission carries (RFC 4588, section 4).

    Raises:
        ValueError: it carries none.
    """
    if len(packet.payload) < 2:
        raise ValueError("the retransmission is empty")
    return packet._replace(
        payload_type=payload_type,
        ssrc=ssrc,
        sequence_number=int.from_bytes(packet.payload[:2], "big"),
        payload=packet.payload[2:],
    )


def steps_between(earlier: int, later: int) -> int:
    """Return how far sequence numbers are apart, from -32768 to 32767; they wrap at 65536."""
    half = _SEQUENCE_NUMBERS // 2
    return (later - earlier + half) % _SEQUENCE_NUMBERS - half


class MediaClock:
    """Counts the timestamps of one stream, which begin anywhere and wrap, from 0."""

    def __init__(self) -> None:
        self._newest: int | None = None
        self._ticks = 0

    def ticks(self, timestamp: int) -> int:
        """Return how far ``timestamp`` is from the first, in ticks of the stream's clock."""
        if self._newest is not None:
            half = 1 << 31
            self._ticks += (timestamp - self._newest + half) % (1 << 32) - half
        self._newest = timestamp
        return self._ticks
