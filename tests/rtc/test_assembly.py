"""From packets to pictures: what aiortc's encoders made comes out whole, or not at all."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable
from itertools import chain

import pytest
from aiortc import RTCRtpCodecParameters
from aiortc.codecs import depayload

from rtc.assembly import EncodedPicture, PictureAssembly
from rtc.rtp import RtpPacket
from tests.rtc.encoded import H264, PICTURE_TICKS, VP8, noisy_pictures, packets_of

_KEYS = (0, 6)
_PICTURES = {codec.name: noisy_pictures(9, codec, _KEYS) for codec in (VP8, H264)}
_BOTH = pytest.mark.parametrize("codec", [VP8, H264], ids=["VP8", "H264"])


def _data(codec: RTCRtpCodecParameters, number: int) -> bytes:
    return b"".join(depayload(codec, payload) for payload in _PICTURES[codec.name][number])


def _put(
    assembly: PictureAssembly, packets: Iterable[RtpPacket], codec: RTCRtpCodecParameters
) -> list[EncodedPicture]:
    put = [assembly.put(packet, codec) for packet in packets]
    return [picture for picture in put if picture is not None]


def _packets(codec: RTCRtpCodecParameters, first_number: int = 65_530) -> list[list[RtpPacket]]:
    packets = packets_of(_PICTURES[codec.name], first_number)
    assert all(len(each) >= 3 for each in packets)
    return packets


def _numbers(pictures: Iterable[EncodedPicture]) -> list[int]:
    return [picture.timestamp // PICTURE_TICKS for picture in pictures]


@_BOTH
def test_pictures_come_back_as_they_were_encoded(codec: RTCRtpCodecParameters) -> None:
    """Each comes with its last packet, byte for byte, also where sequence numbers wrap."""
    assembly = PictureAssembly()
    for number, packets in enumerate(_packets(codec)):
        assert _put(assembly, packets[:-1], codec) == []
        expected = EncodedPicture(codec, _data(codec, number), number * PICTURE_TICKS)
        assert _put(assembly, packets[-1:], codec) == [expected]
        assert not assembly.needs_key


@_BOTH
def test_nothing_comes_before_the_first_key_frame(codec: RTCRtpCodecParameters) -> None:
    """Who joins in between gets nothing that cannot be decoded."""
    assembly = PictureAssembly()
    packets = _packets(codec)
    assert _put(assembly, chain(*packets[2:6]), codec) == []
    assert assembly.needs_key
    assert _numbers(_put(assembly, chain(*packets[6:]), codec)) == [6, 7, 8]
    assert not assembly.needs_key


@_BOTH
@pytest.mark.parametrize("lost", [0, 1, -1], ids=["first", "middle", "last"])
def test_a_lost_packet_costs_all_until_the_next_key_frame(
    codec: RTCRtpCodecParameters, lost: int
) -> None:
    """Wherever in a picture it is lost, that one and those that need it do not come out."""
    assembly = PictureAssembly()
    packets = _packets(codec)
    del packets[3][lost]
    assert _numbers(_put(assembly, chain(*packets[:5]), codec)) == [0, 1, 2]
    assert assembly.needs_key
    assert _numbers(_put(assembly, chain(*packets[5:]), codec)) == [6, 7, 8]


@_BOTH
def test_a_whole_picture_lost_is_noticed(codec: RTCRtpCodecParameters) -> None:
    """The pictures after it do not come out, though they are whole themselves."""
    packets = _packets(codec)
    del packets[3]
    pictures = _put(PictureAssembly(), chain(*packets), codec)
    assert _numbers(pictures) == [0, 1, 2, 6, 7, 8]


def test_a_picture_without_an_end_is_noticed() -> None:
    """Where the last packet of a picture is not marked, those that need it do not come out."""
    packets = _packets(VP8)
    packets[3][-1] = packets[3][-1]._replace(marker=False)
    pictures = _put(PictureAssembly(), chain(*packets), VP8)
    assert _numbers(pictures) == [0, 1, 2, 6, 7, 8]


@_BOTH
def test_a_damaged_key_frame_opens_nothing(codec: RTCRtpCodecParameters) -> None:
    """A key frame that lost a packet is not the one that is waited for."""
    packets = _packets(codec)
    del packets[0][1]
    assert _numbers(_put(PictureAssembly(), chain(*packets), codec)) == [6, 7, 8]


def _padding(packet: RtpPacket) -> RtpPacket:
    """Return a packet of padding alone, which follows ``packet``."""
    number = (packet.sequence_number + 1) % 65536
    return packet._replace(sequence_number=number, payload=b"", marker=False)


def test_padding_between_pictures_is_ignored() -> None:
    """Probes for bandwidth, which carry nothing but take a number, cost no picture."""
    assembly, pictures, number = PictureAssembly(), [], 0
    for packets in _packets(VP8):
        for packet in packets:
            numbered = packet._replace(sequence_number=number)
            pictures += _put(assembly, [numbered], VP8)
            number += 1
        pictures += _put(assembly, [_padding(numbered)], VP8)
        number += 1
    assert _numbers(pictures) == list(range(9))


def test_padding_does_not_hide_a_loss() -> None:
    """A picture lost just before padding is noticed all the same."""
    packets = _packets(VP8)
    lost = packets.pop(3)
    packets[3] = [
        packet._replace(sequence_number=(packet.sequence_number + 1) % 65536)
        for packet in packets[3]
    ]
    assembly = PictureAssembly()
    assert _numbers(_put(assembly, chain(*packets[:3]), VP8)) == [0, 1, 2]
    behind = [_padding(lost[-1]), *packets[3]]
    assert _put(assembly, behind, VP8) == []
    assert assembly.needs_key


def test_to_begin_anew_waits_for_the_next_key_frame() -> None:
    """When pictures were not kept, those that need them are passed over."""
    assembly = PictureAssembly()
    packets = _packets(VP8)
    assert _numbers(_put(assembly, chain(*packets[:3]), VP8)) == [0, 1, 2]
    assembly.begin_anew()
    assert assembly.needs_key
    assert _numbers(_put(assembly, chain(*packets[3:]), VP8)) == [6, 7, 8]


@_BOTH
def test_payloads_without_sense_raise_nothing(codec: RTCRtpCodecParameters) -> None:
    """Random payloads give no exception, and the next key frame comes out after them."""
    rng = random.Random(7)
    assembly = PictureAssembly()
    for number in range(20_000):
        payload = rng.randbytes(rng.randrange(40))
        packet = RtpPacket(97, rng.random() < 0.5, number % 65536, number // 3, 1, payload)
        assembly.put(packet, codec)
    packets = packets_of(_PICTURES[codec.name], first_number=30_000, timestamp=1 << 30)
    assert len(_put(assembly, chain(*packets[5:]), codec)) == 3


@_BOTH
def test_a_picture_that_never_ends_is_given_up(codec: RTCRtpCodecParameters) -> None:
    """Parts of one picture that go on and on are not kept; the next key frame comes out."""
    assembly = PictureAssembly()
    packets = _packets(codec, first_number=0)
    (first, *_), number = packets[0], 0
    for number in range(4000):
        packet = first._replace(sequence_number=number, payload=first.payload.ljust(1200, b"\1"))
        assembly.put(packet, codec)
    assert sum(map(len, assembly._parts)) < 1 << 20
    behind = packets_of(_PICTURES[codec.name], first_number=number + 1, timestamp=PICTURE_TICKS)
    assert len(_put(assembly, chain(*behind), codec)) == 9


def test_a_key_frame_of_too_many_pixels_is_passed_over() -> None:
    """libvpx would reserve half a gigabyte for what a few bytes say; the next one comes out."""
    assembly = PictureAssembly()
    for number, sides in enumerate([(16383, 16383), (2049, 2048), (2048, 2048)]):
        head = b"\x50\x01\x00\x9d\x01\x2a" + struct.pack("<HH", *sides)
        packet = RtpPacket(97, True, number, number, 1, b"\x10" + head + bytes(90))
        is_passed_over = assembly.put(packet, VP8) is None
        assert is_passed_over == (number < 2)
        assert assembly.needs_key == is_passed_over
