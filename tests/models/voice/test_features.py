"""MFCC against librosa's, and loudness by hand."""

from __future__ import annotations

import librosa
import numpy as np
import numpy.typing as npt
import pytest
import soxr

from models.voice.corpora import read_speech
from models.voice.features import SAMPLE_RATE_HZ, WINDOW_SAMPLES, Mfcc, rms
from tests.media import DATA, NO_RECORDINGS, SOUND_RATE_HZ, synthetic_speech

Samples = npt.NDArray[np.float32]

# The coefficients are in the hundreds. librosa transforms in double precision, we in single, which
# shows in bands far below the loudest: 0.0014 here, 0.0018 in clips of RAVDESS.
TOLERANCE = 3e-3
RECORDING = DATA / "ravdess" / "Actor_01" / "03-01-05-02-01-01-01.flac"


def noise(seed: int = 0) -> Samples:
    return (np.random.default_rng(seed).standard_normal(WINDOW_SAMPLES) * 0.1).astype(np.float32)


def speech() -> Samples:
    loud = synthetic_speech(1.0).astype(np.float32) / 32768
    return soxr.resample(loud, SOUND_RATE_HZ, SAMPLE_RATE_HZ).astype(np.float32)


def recording() -> Samples:
    if not RECORDING.exists():
        pytest.skip(NO_RECORDINGS)
    whole = read_speech(RECORDING)
    middle = len(whole) // 2
    return whole[middle - WINDOW_SAMPLES // 2 : middle + WINDOW_SAMPLES // 2]


def click() -> Samples:
    """Return silence with one sample of full scale: most bands lie 80 dB below the loudest."""
    samples = np.zeros(WINDOW_SAMPLES, np.float32)
    samples[5000] = 1.0
    return samples


@pytest.mark.parametrize("make", [noise, speech, recording, click])
@pytest.mark.parametrize("length", [WINDOW_SAMPLES, WINDOW_SAMPLES // 2, 10_001])
def test_same_as_librosa(make, length: int):  # noqa: ANN001
    """The coefficients are librosa's to single precision, for windows of each length served."""
    samples = make()[:length]
    wanted = librosa.feature.mfcc(
        y=samples, sr=16_000, n_mfcc=40, n_fft=512, win_length=400, hop_length=160
    ).T
    given = Mfcc()(samples)
    assert given.shape == wanted.shape
    assert np.abs(wanted).max() > 100
    np.testing.assert_allclose(given, wanted, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [((16_000,), (101, 40)), ((8_000,), (51, 40)), ((3, 16_000), (3, 101, 40))],
)
def test_shape(shape: tuple[int, ...], wanted: tuple[int, ...]):
    """One second gives 101 frames of 40 coefficients, half a second 51, a batch one set each."""
    coefficients = Mfcc()(np.zeros(shape, np.float32))
    assert coefficients.shape == wanted
    assert coefficients.dtype == np.float32


def test_batch_equals_singles():
    """A window's coefficients do not depend on what else is in its batch, be it 60 dB louder."""
    windows = [noise(), speech() * np.float32(0.001), np.zeros(WINDOW_SAMPLES, np.float32)]
    mfcc = Mfcc()
    together = mfcc(np.stack(windows))
    for row, window in enumerate(windows):
        np.testing.assert_allclose(together[row], mfcc(window), rtol=0, atol=TOLERANCE)


def test_silence():
    """Digital silence is finite: -100 dB in every band, which only the first coefficient shows."""
    coefficients = Mfcc()(np.zeros(WINDOW_SAMPLES, np.float32))
    np.testing.assert_allclose(coefficients[:, 0], -100 * np.sqrt(128), rtol=1e-5)
    np.testing.assert_allclose(coefficients[:, 1:], 0, atol=TOLERANCE)


def test_samples_are_left_alone():
    """The window that is given is not changed."""
    window = noise()
    Mfcc()(window)
    np.testing.assert_array_equal(window, noise())


@pytest.mark.parametrize(
    ("samples", "wanted"),
    [
        ([0.0, 0.0], 0.0),
        ([0.5, -0.5, 0.5], 0.5),
        ([0.3, 0.4], 0.125**0.5),
        ([1.0, 0.0, 0.0, 0.0], 0.5),
        ([], 0.0),
    ],
)
def test_rms(samples: list[float], wanted: float):
    """Loudness is the root of the mean of the squares; no samples are silence."""
    assert rms(np.array(samples, np.float32)) == pytest.approx(wanted, abs=1e-7)
