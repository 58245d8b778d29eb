"""Sound from packets: real Opus, as it comes and damaged."""

from __future__ import annotations

import random

import numpy as np
import pytest
from aiortc.codecs import PCMU_CODEC

from models.voice.features import SAMPLE_RATE_HZ, rms
from rtc.audio import RollingWindow, SoundReceiver
from rtc.rtp import RtpPacket
from tests.media import SOUND_RATE_HZ, synthetic_speech
from tests.rtc.encoded import OPUS, sound_packets

_SOUND = synthetic_speech(2.0)
_PACKETS = sound_packets(_SOUND, timestamp=(1 << 32) - 20_000)


def _receiver() -> SoundReceiver:
    """Return one that keeps ten seconds."""
    return SoundReceiver(lambda: 5.0, RollingWindow(10 * SAMPLE_RATE_HZ))


def test_sound_comes_out_as_long_and_as_loud_as_it_went_in() -> None:
    """Two seconds of Opus are two seconds of 16 kHz of the same level, over the clock's wrap."""
    receiver = _receiver()
    for packet in _PACKETS:
        receiver.put_packet(packet, OPUS)
    assert receiver.window.filled == pytest.approx(2 * SAMPLE_RATE_HZ, abs=64)
    level = rms(_SOUND.astype(np.float32) / 32768)
    assert rms(receiver.window.newest(2 * SAMPLE_RATE_HZ)) == pytest.approx(level, rel=0.1)
    assert receiver.media_time_s == pytest.approx(2.0)
    assert (receiver.captured_at, receiver.damaged) == (5.0, 0)


def test_sound_comes_out_as_it_went_in() -> None:
    """What is decoded follows the original, sample by sample, once their delay is found."""
    receiver = _receiver()
    for packet in _PACKETS:
        receiver.put_packet(packet, OPUS)
    decoded = receiver.window.newest(receiver.window.filled)
    original = _SOUND[::3].astype(np.float32)[: len(decoded)]  # it has nothing above 8 kHz
    fits = [np.corrcoef(decoded[lag:], original[: len(original) - lag])[0, 1] for lag in range(200)]
    assert max(fits) > 0.95


def test_the_time_in_the_track_counts_what_was_lost() -> None:
    """A second lost in between is missing from the window but not from the time."""
    receiver = _receiver()
    for packet in _PACKETS[:25] + _PACKETS[75:]:
        receiver.put_packet(packet, OPUS)
    assert receiver.window.filled == pytest.approx(SAMPLE_RATE_HZ, abs=64)
    assert receiver.media_time_s == pytest.approx(2.0)


def _played(looks_every: int, pause_s: float = 0.0) -> SoundReceiver:
    """Return one that got a packet every 20 ms, paused after 60, and was looked at meanwhile."""
    now_s = 0.0
    receiver = SoundReceiver(lambda: now_s, RollingWindow(10 * SAMPLE_RATE_HZ))
    for number, packet in enumerate(_PACKETS):
        now_s = number * 0.02 + (pause_s if number >= 60 else 0.0)
        receiver.put_packet(packet, OPUS)
        if number % looks_every == looks_every - 1:
            assert receiver.window.filled
    return receiver


@pytest.mark.parametrize("looks_every", [1, 24, 30, 40])
def test_the_window_fills_however_seldom_it_is_looked_at(looks_every: int) -> None:
    """Whoever looks every half second, or less often, finds all that came, without a gap."""
    filled = _played(looks_every).window.filled
    assert filled == pytest.approx(2 * SAMPLE_RATE_HZ, abs=64)


@pytest.mark.parametrize("looks_every", [1, 24, 30, 70, 101])
def test_what_came_before_a_pause_is_forgotten(looks_every: int) -> None:
    """After a pause of 0.7 s the window holds what came since, whenever it was looked at."""
    filled = _played(looks_every, pause_s=0.7).window.filled
    assert filled == pytest.approx(0.8 * SAMPLE_RATE_HZ, abs=64)


def test_damaged_packets_are_counted_and_the_next_ones_decode() -> None:
    """Between garbage of many kinds all good packets give their sound."""
    rng = random.Random(9)
    receiver = _receiver()
    garbage = [b"\xff" * 3, b"\x03", b"\x03\xff\xff", b"\xff\xff\xff\x01"]
    for number, packet in enumerate(_PACKETS):
        if number % 10 == 5:
            receiver.put_packet(packet._replace(payload=rng.choice(garbage)), OPUS)
        receiver.put_packet(packet, OPUS)
    assert receiver.window.filled == pytest.approx(2 * SAMPLE_RATE_HZ, abs=64)
    assert receiver.damaged == 10
    level = rms(_SOUND.astype(np.float32) / 32768)
    assert rms(receiver.window.newest(2 * SAMPLE_RATE_HZ)) == pytest.approx(level, rel=0.1)


def test_random_payloads_raise_nothing() -> None:
    """Whatever a payload holds, it is decoded or counted, and sound goes on after it."""
    rng = random.Random(10)
    receiver = _receiver()
    for number in range(2000):
        payload = rng.randbytes(rng.randrange(1, 80))
        receiver.put_packet(RtpPacket(96, False, number, number * 960, 2, payload), OPUS)
    assert 0 < receiver.damaged < 2000
    before = receiver.window.added
    for packet in _PACKETS:
        receiver.put_packet(packet, OPUS)
    assert receiver.window.added - before == pytest.approx(2 * SAMPLE_RATE_HZ, rel=0.01)


def test_another_codec_is_taken_at_any_packet() -> None:
    """Ten packets of PCMU after Opus are decoded as what they are."""
    receiver = _receiver()
    for packet in _PACKETS[:50]:
        receiver.put_packet(packet, OPUS)
    before = receiver.window.added
    for number in range(10):
        loud = RtpPacket(0, False, number, number * 160, 2, b"\x00\x80" * 80)
        receiver.put_packet(loud, PCMU_CODEC)
    assert receiver.damaged == 0
    assert receiver.window.added - before == pytest.approx(0.2 * SAMPLE_RATE_HZ, abs=80)
    assert rms(receiver.window.newest(SAMPLE_RATE_HZ // 10)) > 0.3


def test_packets_are_twenty_milliseconds() -> None:
    """What the tests above feed in is what they say."""
    assert len(_PACKETS) == 2 * SOUND_RATE_HZ // 960
