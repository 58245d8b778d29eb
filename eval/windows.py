"""Recordings and pictures as the live server's networks get them: windows and crops."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import soundfile
from tqdm import tqdm

from models.emotions import Scores
from models.face.crop import FaceInput, normalised
from models.voice.corpora import read_speech
from models.voice.features import WINDOW_SAMPLES, rms
from models.voice.predictor import VoicePredictor

_HOP_SAMPLES = WINDOW_SAMPLES // 2  # the live server's tick


def voiced_windows(
    samples: npt.NDArray[np.float32], silence_rms: float
) -> list[npt.NDArray[np.float32]]:
    """Cut windows of 1 s every 0.5 s and leave out silent ones; of all silent the loudest stays."""
    if len(samples) < WINDOW_SAMPLES:
        samples = np.pad(samples, (0, WINDOW_SAMPLES - len(samples)))
    starts = range(0, len(samples) - WINDOW_SAMPLES + 1, _HOP_SAMPLES)
    windows = [samples[start : start + WINDOW_SAMPLES] for start in starts]
    return [w for w in windows if rms(w) >= silence_rms] or [max(windows, key=rms)]


def clip_scores(
    paths: Sequence[Path], predictor: VoicePredictor, batch_windows: int, silence_rms: float
) -> list[Scores | None]:
    """Return the mean scores of each recording, shape (7,); None for one that holds no sound."""
    result: list[Scores | None] = []
    for path in tqdm(paths, desc="clips", unit="clip", leave=False, disable=None):
        samples = _readable(path)
        if samples is None:
            result.append(None)
            continue
        windows = voiced_windows(samples, silence_rms)
        scores: list[Scores] = []
        for start in range(0, len(windows), batch_windows):
            scores += predictor.predict(windows[start : start + batch_windows])
        result.append(np.mean(scores, axis=0, dtype=np.float32))
    return result


def picture_crop(grey: npt.NDArray[np.uint8], wanted: FaceInput) -> npt.NDArray[np.float32]:
    """Turn a picture that is a face already, uint8 (side, side), into a network's input."""
    sized = cv2.resize(grey, (wanted.size, wanted.size), interpolation=cv2.INTER_LINEAR)
    channels = 1 if wanted.grey else 3
    square = np.repeat(sized[..., None], channels, axis=2).astype(np.uint8, copy=False)
    return normalised(square, wanted)


def _readable(path: Path) -> npt.NDArray[np.float32] | None:
    try:
        samples = read_speech(path)
    except soundfile.LibsndfileError:
        return None
    return samples if samples.size and np.isfinite(samples).all() else None
