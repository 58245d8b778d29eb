"""What evaluations do to sound and pictures, by what can be measured afterwards."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.signal

from eval.fusion.degraded import damaged, with_speech_shaped_noise, with_white_noise
from models.voice.features import SAMPLE_RATE_HZ

ADD_NOISE = [with_white_noise, with_speech_shaped_noise]


def speech(silence_s: float) -> np.ndarray:
    """Two seconds of a low tone with silence before and after it, float32, 16 kHz."""
    time_s = np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    tone = 0.1 * np.sin(2 * np.pi * 300 * time_s)
    return np.pad(tone, round(silence_s * SAMPLE_RATE_HZ)).astype(np.float32)


@pytest.mark.parametrize("add", ADD_NOISE)
@pytest.mark.parametrize("snr_db", [0.0, 5.0, 20.0])
@pytest.mark.parametrize(("silence_s", "tolerance_db"), [(0.0, 0.1), (4.0, 1.5)])
def test_noise_is_as_far_below_the_speech_as_asked(
    add: Callable[..., np.ndarray], snr_db: float, silence_s: float, tolerance_db: float
):
    """Silence around speech, which takes 7 dB from the mean, takes little from the noise."""
    clean = speech(silence_s)
    noisy = add(clean, snr_db, np.random.default_rng(0))
    assert noisy.dtype == np.float32
    speech_power = 0.1**2 / 2
    noise_power = np.mean((noisy - clean) ** 2)
    assert 10 * np.log10(speech_power / noise_power) == pytest.approx(snr_db, abs=tolerance_db)


def test_speech_shaped_noise_has_the_pitch_of_the_speech():
    """Its power lies where the speech's does; white noise lies everywhere."""
    clean = speech(1.0)
    shares = []
    for add in ADD_NOISE:
        noise = add(clean, 5.0, np.random.default_rng(0)) - clean
        frequency_hz, power = scipy.signal.periodogram(noise, SAMPLE_RATE_HZ)
        shares.append(power[frequency_hz < 600].sum() / power.sum())
    assert shares[0] < 0.1
    assert shares[1] > 0.9


@pytest.mark.parametrize("add", ADD_NOISE)
def test_noise_below_nothing_is_nothing(add: Callable[..., np.ndarray]):
    """A recording of digital silence stays as it is."""
    silence = np.zeros(SAMPLE_RATE_HZ, np.float32)
    np.testing.assert_array_equal(add(silence, 5.0, np.random.default_rng(0)), silence)


@pytest.mark.parametrize(("shape", "face_width_px"), [((48, 48), 48), ((360, 640, 3), 128)])
def test_a_damaged_picture_is_dark_and_its_edges_are_soft(
    shape: tuple[int, ...], face_width_px: float
):
    """It keeps shape and type, loses more than half of its light, and its edges' steepness."""
    picture = np.full(shape, 20, np.uint8)
    picture[:, shape[1] // 2 :] = 220
    worse = damaged(picture, face_width_px, np.random.default_rng(0))
    assert (worse.shape, worse.dtype) == (picture.shape, picture.dtype)
    assert worse.mean() == pytest.approx(0.4 * picture.mean(), abs=1)
    columns = worse.reshape(*shape[:2], -1).mean(axis=(0, 2))
    assert np.abs(np.diff(columns)).max() < 0.8 * 0.4 * 200
