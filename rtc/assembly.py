"""From packets in order to whole encoded pictures; after a loss, none until the next key frame."""

from __future__ import annotations

from dataclasses import dataclass

from aiortc import RTCRtpCodecParameters
from aiortc.codecs import depayload

from rtc.rtp import RtpPacket

_MOST_BYTES = 1 << 20  # of one picture; encoded for a call, a key frame of 4K has less
MOST_PIXELS = 1 << 22  # of one picture, 2560 x 1600; larger ones take memory and show no more
_H264_KEY_TYPES = {5, 7}  # slice of a key picture, sequence parameter set: ITU-T H.264, table 7-1


@dataclass(frozen=True)
class EncodedPicture:
    """One picture, decodable once those before it since the last key frame were decoded."""

    codec: RTCRtpCodecParameters
    data: bytes
    timestamp: int


class PictureAssembly:
    """Puts packets together.

    Attributes:
        needs_key: nothing can be decoded before a key frame comes; to be asked for.
    """

    def __init__(self) -> None:
        self.needs_key = True
        self._expected: int | None = None
        self._parts: list[bytes] = []
        self._size = 0  # of the parts, in bytes
        self._timestamp: int | None = None
        self._is_whole = True

    def put(self, packet: RtpPacket, codec: RTCRtpCodecParameters) -> EncodedPicture | None:
        """Take the next packet in order; return the picture that it completes, if any."""
        is_gap = self._expected is not None and packet.sequence_number != self._expected
        if not packet.payload:  # padding, by which senders probe for bandwidth
            if not is_gap:  # one before it shows at the packet behind it
                self._expected = (packet.sequence_number + 1) % 65536
            return None
        self._expected = (packet.sequence_number + 1) % 65536
        if packet.timestamp != self._timestamp:
            # Of the picture before, the last packet is missing, unless nothing is left of it.
            self.needs_key |= bool(self._parts)
            self._parts, self._timestamp, self._is_whole = [], packet.timestamp, True
            self._size = 0
        try:
            self._parts.append(depayload(codec, packet.payload))
            self._size += len(self._parts[-1])
        except ValueError:
            is_gap = True
        if is_gap or self._size > _MOST_BYTES:
            self.needs_key, self._is_whole = True, False
        if not self._is_whole:
            self._parts.clear()  # or one that never ends would take all memory
        return self._completed(codec) if packet.marker else None

    def begin_anew(self) -> None:
        """Pass over what comes until the next key frame: pictures before it were not kept."""
        self.needs_key = True

    def _completed(self, codec: RTCRtpCodecParameters) -> EncodedPicture | None:
        data, timestamp = b"".join(self._parts), self._timestamp
        self._parts, self._timestamp = [], None
        if not self._is_whole or not data or timestamp is None:
            return None
        if self.needs_key and not _is_key(codec, data):
            return None
        if codec.name == "VP8" and _vp8_pixels(data) > MOST_PIXELS:
            self.needs_key = True
            return None
        self.needs_key = False
        return EncodedPicture(codec, data, timestamp)


def _vp8_pixels(data: bytes) -> int:
    """Return how many pixels a key frame says it has, 0 of other frames: RFC 6386, section 9.1.

    libvpx reserves memory for them, 490 MB at worst, before it looks whether there are any.
    """
    if data[0] & 1 or len(data) < 10:
        return 0
    width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return width * height


def _is_key(codec: RTCRtpCodecParameters, data: bytes) -> bool:
    if codec.name == "VP8":
        return not data[0] & 1  # RFC 6386, section 9.1
    units = data.split(b"\x00\x00\x01")[1:]
    return any(unit and unit[0] & 0x1F in _H264_KEY_TYPES for unit in units)
