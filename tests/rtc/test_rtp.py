"""Reading RTP packets: what aiortc writes, what is cut off, and numbers that wrap."""

from __future__ import annotations

import random

import aiortc.rtp
import pytest
from aiortc import RTCRtpHeaderExtensionParameters, RTCRtpParameters

from rtc.rtp import MediaClock, RtpPacket, parse, steps_between, unwrapped

_EXTENSIONS = aiortc.rtp.HeaderExtensionsMap()
_EXTENSIONS.configure(
    RTCRtpParameters(
        headerExtensions=[
            RTCRtpHeaderExtensionParameters(1, "urn:ietf:params:rtp-hdrext:sdes:mid"),
            RTCRtpHeaderExtensionParameters(2, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
        ]
    )
)


def _written(sources: int = 0, *, extended: bool = False, padding: int = 0) -> bytes:
    packet = aiortc.rtp.RtpPacket(97, 1, 65535, 0xFFFFFFF0, 0x89ABCDEF, b"what it carries")
    packet.csrc = list(range(sources))
    packet.padding_size = padding
    if extended:
        packet.extensions.mid = "video"
        packet.extensions.audio_level = (True, 30)
    return bytes(packet.serialize(_EXTENSIONS))


@pytest.mark.parametrize("sources", [0, 1, 15])
@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("padding", [0, 1, 255])
def test_a_packet_is_read_as_it_was_written(sources: int, padding: int, *, extended: bool) -> None:
    """Whatever stands around its payload, all fields come back."""
    data = _written(sources, extended=extended, padding=padding)
    expected = RtpPacket(97, True, 65535, 0xFFFFFFF0, 0x89ABCDEF, b"what it carries")
    assert parse(data) == expected


def test_a_packet_of_padding_alone_has_an_empty_payload() -> None:
    """What a sender probes for bandwidth with is read, and carries nothing."""
    packet = aiortc.rtp.RtpPacket(97, 0, 7, 1, 2)
    packet.padding_size = 200
    assert parse(packet.serialize()).payload == b""


def test_a_packet_cut_off_anywhere_harms_nothing() -> None:
    """Of each beginning of a packet either a shorter payload is read or ValueError says no."""
    data = _written(3, extended=True)
    header_bytes = len(data) - len(b"what it carries")
    for length in range(len(data)):
        if length < header_bytes:
            with pytest.raises(ValueError, match="shorter"):
                parse(data[:length])
        else:
            assert parse(data[:length]).payload == data[header_bytes:length]


def test_what_is_read_of_random_bytes_is_what_aiortc_reads() -> None:
    """Of bytes without sense both take and refuse the same, and payloads are equal."""
    rng = random.Random(5)
    taken = 0
    for _ in range(20_000):
        first = rng.choice([0x80, 0xA0, 0xA3, 0x83, 0x40, rng.randrange(256)])
        data = bytes([first]) + rng.randbytes(rng.randrange(64))
        try:
            expected = aiortc.rtp.RtpPacket.parse(data)
        except ValueError:
            with pytest.raises(ValueError, match=r"shorter|version|padding"):
                parse(data)
            continue
        taken += 1
        packet = parse(data)
        assert packet.payload == expected.payload
        assert (packet.sequence_number, packet.ssrc) == (expected.sequence_number, expected.ssrc)
    assert taken > 5000


def test_extensions_of_random_bytes_raise_nothing_else() -> None:
    """Header extensions of any length give a packet or ValueError."""
    rng = random.Random(6)
    for _ in range(20_000):
        data = bytes([rng.choice([0x90, 0xB0, 0x95, 0xBF])]) + rng.randbytes(rng.randrange(96))
        try:
            packet = parse(data)
        except ValueError:
            continue
        assert packet.payload in data


def test_what_a_retransmission_carries_is_the_packet_that_was_lost() -> None:
    """Unwrapped, it is equal to the original, its sequence number at the wrap included."""
    for number in (0, 1, 65535):
        original = aiortc.rtp.RtpPacket(97, 1, number, 4711, 12, b"lost")
        wrapped = aiortc.rtp.wrap_rtx(original, payload_type=98, sequence_number=3, ssrc=99)
        assert unwrapped(parse(wrapped.serialize()), 97, 12) == parse(original.serialize())


@pytest.mark.parametrize("payload", [b"", b"\x00"])
def test_a_retransmission_of_nothing_is_refused(payload: bytes) -> None:
    """Without room for the number of the original it carries none."""
    with pytest.raises(ValueError, match="empty"):
        unwrapped(RtpPacket(98, False, 1, 2, 3, payload), 97, 12)


@pytest.mark.parametrize(
    ("earlier", "later", "steps"),
    [
        (0, 0, 0),
        (65535, 0, 1),
        (0, 65535, -1),
        (65000, 100, 636),
        (100, 65000, -636),
        (0, 32767, 32767),
        (0, 32768, -32768),
    ],
)
def test_steps_are_counted_across_the_wrap(earlier: int, later: int, steps: int) -> None:
    """Sequence numbers that follow 65535 are later than it."""
    assert steps_between(earlier, later) == steps


def test_the_media_clock_begins_at_zero_and_outlives_the_wrap() -> None:
    """Timestamps that begin anywhere and wrap count on, back as well as forth."""
    clock = MediaClock()
    begin = (1 << 32) - 3000
    offsets = [0, 3000, 2999, 6000, 3000, 9000]
    assert [clock.ticks((begin + offset) % (1 << 32)) for offset in offsets] == offsets


def test_the_media_clock_counts_many_rounds() -> None:
    """After several wraps it is far beyond what 32 bits hold."""
    clock = MediaClock()
    step = (1 << 30) + 1
    counted = [clock.ticks(round_ * step % (1 << 32)) for round_ in range(20)]
    assert counted == [round_ * step for round_ in range(20)]
