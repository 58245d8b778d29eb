"""Clips without recordings: each emotion hums at a pitch of its own."""

from __future__ import annotations

import numpy as np

from models.emotions import EMOTIONS
from models.voice.clips import Clip
from models.voice.features import SAMPLE_RATE_HZ


def hum(pitch_hz: float, seconds: float = 1.3) -> np.ndarray:
    """Return a square wave, float32, at 16 kHz."""
    time_s = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (0.3 * np.sign(np.sin(2 * np.pi * pitch_hz * time_s))).astype(np.float32)


def hummed_clips() -> list[Clip]:
    """Return one clip a class and corpus."""
    return [
        Clip(corpus, "1", label, (hum(100 + 60 * label),))
        for corpus in ("ravdess", "tess")
        for label in range(len(EMOTIONS))
    ]
