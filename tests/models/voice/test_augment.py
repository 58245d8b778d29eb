"""Studio sound made to sound live: a second stays a second, levels stay levels, seeds fix all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import soxr

from models.voice.augment import cut_window, degrade, opus_round_trip
from models.voice.features import SAMPLE_RATE_HZ, WINDOW_SAMPLES
from tests.media import SOUND_RATE_HZ, synthetic_speech

Samples = npt.NDArray[np.float32]


def speech(seconds: float) -> Samples:
    loud = synthetic_speech(seconds).astype(np.float32) / 32768
    return soxr.resample(loud, SOUND_RATE_HZ, SAMPLE_RATE_HZ).astype(np.float32)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("seconds", [0.4, 1.0, 2.5])
@pytest.mark.parametrize("compression_level", [0.5, 1.0])
def test_opus(seconds: float, compression_level: float):
    """Opus keeps length and sound: what comes back correlates with what went in, without delay."""
    samples = speech(seconds)
    given = opus_round_trip(samples, compression_level)
    assert given.shape == samples.shape
    assert given.dtype == np.float32
    assert np.corrcoef(samples, given)[0, 1] > 0.8
    assert not np.array_equal(given, samples)


def test_opus_level():
    """A higher compression level leaves less of the sound."""
    samples = speech(2.0)
    errors = [np.square(opus_round_trip(samples, level) - samples).mean() for level in (0.0, 1.0)]
    assert errors[0] < errors[1]


@pytest.mark.parametrize("seconds", [0.0, 0.3, 1.0, 1.2, 3.0])
@pytest.mark.parametrize("speed_range", [0.0, 0.15])
def test_window_of_any_clip(seconds: float, speed_range: float):
    """One second comes out of a clip of any length."""
    samples = speech(3.0)[: int(seconds * SAMPLE_RATE_HZ)]
    for seed in range(20):
        window = cut_window(samples, seeded(seed), speed_range)
        assert window.shape == (WINDOW_SAMPLES,)
        assert window.dtype == np.float32
        assert np.abs(window).max() <= np.max(np.abs(samples), initial=0.0)


def test_window_at_own_speed():
    """Without a change of speed the window is a piece of the clip, and seeds move it."""
    samples = np.arange(40_000, dtype=np.float32)
    starts = set()
    for seed in range(10):
        window = cut_window(samples, seeded(seed), speed_range=0.0)
        np.testing.assert_array_equal(window, np.arange(WINDOW_SAMPLES) + window[0])
        starts.add(float(window[0]))
    assert len(starts) > 5


def test_window_at_another_speed():
    """A change of speed stretches time by up to that much, either way."""
    samples = np.arange(80_000, dtype=np.float32)
    spans = []
    for seed in range(200):
        window = cut_window(samples, seeded(seed), speed_range=0.15)
        spans.append((window[-1] - window[0]) / (WINDOW_SAMPLES - 1))
    assert np.exp(-0.15) - 1e-3 <= min(spans) < 0.9
    assert 1.1 < max(spans) <= np.exp(0.15) + 1e-3


def test_window_of_short_clip():
    """A clip shorter than a second is followed by silence."""
    window = cut_window(np.full(8000, 0.5, np.float32), seeded(), speed_range=0.0)
    assert (window[:7000] == 0.5).all()
    assert (window[9000:] == 0).all()


def test_degraded():
    """A degraded window has the same shape and type and stays in -1 to 1, however loud it was."""
    clip = speech(1.0)
    for loudness in (0.0, 1.0, 3.0):
        window = np.clip(clip * np.float32(loudness), -1, 1)
        for seed in range(60):
            given = degrade(window, seeded(seed), seed % 2)
            assert given.shape == (WINDOW_SAMPLES,)
            assert given.dtype == np.float32
            assert np.isfinite(given).all()
            assert np.abs(given).max() <= 1


def test_degraded_resembles():
    """What was said can still be recognised in most degraded windows, and loudness varies."""
    window = speech(1.0)
    given = [degrade(window, seeded(seed), 0.0) for seed in range(60)]
    likeness = [np.corrcoef(window, one)[0, 1] for one in given]
    assert np.median(likeness) > 0.8
    levels = [np.sqrt(np.square(one).mean()) for one in given]
    assert max(levels) > 5 * min(levels)


def test_equipment_takes_away_the_lowest_and_the_highest():
    """Of noise of all frequencies, what lies below 20 Hz and above 7.5 kHz is weaker; speech is
    raised or lowered by some decibels.
    """
    noise = 0.1 * seeded().standard_normal(WINDOW_SAMPLES).astype(np.float32)
    change_db = []
    for seed in range(200):
        given = degrade(noise, seeded(seed), 0.8)
        power = np.abs(np.fft.rfft(given)) ** 2 / np.abs(np.fft.rfft(noise)) ** 2
        bands = [slice(5, 20), slice(300, 3000), slice(7500, 8000)]  # of 1 Hz each
        change_db.append([10 * np.log10(np.median(power[band])) for band in bands])
    lowest, speech_db, highest = np.median(change_db, axis=0)
    assert lowest < speech_db - 8
    assert speech_db - 9 < highest < speech_db - 2


def test_seed():
    """A seed fixes the result, another changes it, and numpy's global state takes no part."""
    samples = speech(2.0)

    def altered(seed: int) -> Samples:
        rng = seeded(seed)
        return degrade(cut_window(samples, rng, 0.15), rng, 0.0)

    np.testing.assert_array_equal(altered(1), altered(1))
    assert not np.array_equal(altered(1), altered(2))


def test_original_is_left_alone():
    """The clip that is given is not changed."""
    samples = speech(2.0)
    before = samples.copy()
    for seed in range(20):
        degrade(cut_window(samples, seeded(seed), 0.0), seeded(seed), 0.8)
    np.testing.assert_array_equal(samples, before)
