"""Sound and pictures made worse on purpose: noise, blur and darkness as evaluations add them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from models.voice.features import SILENCE_RMS, Samples
from models.voice.speech import voiced_windows

_LIGHT_LEFT = 0.4  # a face lit by a screen alone
_NOISE_LEVELS = 6.0  # of 255; what a webcam's gain makes of so little light
_BLUR_SHARE = 0.027  # of a face's width, as standard deviation: a smeared lens


def with_white_noise(samples: Samples, snr_db: float, rng: np.random.Generator) -> Samples:
    """Add white noise ``snr_db`` below the speech; samples float32 at 16 kHz, shape (n,)."""
    return _added(samples, rng.standard_normal(len(samples)), snr_db)


def with_speech_shaped_noise(samples: Samples, snr_db: float, rng: np.random.Generator) -> Samples:
    """Add steady noise with the speech's own spectrum, which many people talking at once have.

    Args:
        samples: float32 at 16 kHz, shape (n,), n at least 1.
        snr_db: how far the noise is below the speech.
        rng: draws the noise's phases.
    """
    size = np.abs(np.fft.rfft(samples))
    phase = np.exp(2j * np.pi * rng.random(len(size)))
    return _added(samples, np.fft.irfft(size * phase, len(samples)), snr_db)


def damaged(
    picture: npt.NDArray[np.uint8], face_width_px: float, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Return a picture, uint8 (height, width) or (height, width, 3), blurred, darkened and noisy.

    The blur goes by the width of the face, so that small and large pictures of it lose the same.
    """
    blurred = cv2.GaussianBlur(picture, (0, 0), _BLUR_SHARE * face_width_px)
    dark = blurred.astype(np.float32) * _LIGHT_LEFT
    noisy = dark + rng.normal(0, _NOISE_LEVELS, dark.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _added(samples: Samples, noise: npt.NDArray[np.float64], snr_db: float) -> Samples:
    """Add noise at a level below that of speech, not counting the silence around it."""
    speech = np.concatenate(voiced_windows(samples, SILENCE_RMS))
    wanted_power = np.mean(np.square(speech, dtype=np.float64)) * 10 ** (-snr_db / 10)
    noise_power = np.mean(np.square(noise))
    gain = np.sqrt(wanted_power / noise_power) if noise_power > 0 else 0.0
    return (samples + gain * noise).astype(np.float32)
