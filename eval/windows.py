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
from models.face.predictor import FaceClassifier
from models.smoothing import pooled
from models.voice.corpora import read_speech
from models.voice.predictor import VoicePredictor
from models.voice.speech import voiced_windows


def readable(path: Path) -> npt.NDArray[np.float32] | None:
    """Read a recording, float32 at 16 kHz, shape (n,); None for one that holds no sound.

    That is: one that cannot be decoded, is empty, or holds what is no number.
    """
    try:
        samples = read_speech(path)
    except soundfile.LibsndfileError:
        return None
    return samples if samples.size and np.isfinite(samples).all() else None


def window_scores(
    samples: npt.NDArray[np.float32],
    predictor: VoicePredictor,
    silence_rms: float,
) -> npt.NDArray[np.float32]:
    """Return the scores of each window of ``voiced_windows``, shape (windows, 7).

    Args:
        samples: a recording, float32 at 16 kHz, shape (n,).
        predictor: asked as the live server asks it.
        silence_rms: seconds below this root mean square, in [0, 1], are left out, as when served.
    """
    return np.stack(predictor.predict(voiced_windows(samples, silence_rms)))


def recording_scores(
    samples: npt.NDArray[np.float32], predictor: VoicePredictor, silence_rms: float
) -> Scores:
    """Return the scores of a recording, shape (7,), of all its windows together."""
    windows = window_scores(samples, predictor, silence_rms)
    return pooled(windows, predictor.gain)


def clip_scores(
    paths: Sequence[Path], predictor: VoicePredictor, silence_rms: float
) -> list[Scores | None]:
    """Return the scores of each recording, shape (7,); None for one that holds no sound."""
    result: list[Scores | None] = []
    for path in tqdm(paths, desc="clips", unit="clip", leave=False, disable=None):
        samples = readable(path)
        if samples is None:
            result.append(None)
            continue
        result.append(recording_scores(samples, predictor, silence_rms))
    return result


def picture_scores(
    images: npt.NDArray[np.uint8], classifier: FaceClassifier, batch_pictures: int = 64
) -> npt.NDArray[np.float32]:
    """Return the scores of pictures that are faces already, shape (n, 7); no detector looks.

    Args:
        images: grey, uint8, shape (n, 48, 48), n at least 1.
        classifier: of the served face network.
        batch_pictures: how many are given to the network at a time.
    """
    scores: list[Scores] = []
    starts = range(0, len(images), batch_pictures)
    for start in tqdm(starts, desc="pictures", unit="batch", leave=False, disable=None):
        batch = images[start : start + batch_pictures]
        scores += classifier.classify_both_ways(
            [picture_crop(image, classifier.input) for image in batch]
        )
    return np.stack(scores)


def picture_crop(grey: npt.NDArray[np.uint8], wanted: FaceInput) -> npt.NDArray[np.float32]:
    """Turn a picture that is a face already, uint8 (side, side), into a network's input."""
    sized = cv2.resize(grey, (wanted.size, wanted.size), interpolation=cv2.INTER_LINEAR)
    channels = 1 if wanted.grey else 3
    square = np.repeat(sized[..., None], channels, axis=2).astype(np.uint8, copy=False)
    return normalised(square, wanted)
