"""What one result costs on this machine, measured when the networks are loaded."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.face.predictor import Look
from models.loading import LoadedModels
from models.voice.features import WINDOW_SAMPLES

_TRIES = 7  # of which the median counts, since the first are slow


@dataclass(frozen=True)
class ResultCost:
    """Processor time in seconds, of all threads: a window's, and that of a picture with a face."""

    voice_s: float
    face_s: float


def measured_cost(models: LoadedModels) -> ResultCost:
    """Measure it, in a quarter of a second or less, before anybody is served."""
    noise = np.random.default_rng(0).standard_normal(WINDOW_SAMPLES).astype(np.float32) * 0.1
    wanted = models.classifier.input
    crop = np.zeros((len(wanted.mean), wanted.size, wanted.size), np.float32)
    look = Look(lambda: np.full((240, 320, 3), 128, np.uint8))  # which shows no face to classify

    def face() -> None:
        models.face.predict([look])
        models.classifier.classify([crop])

    return ResultCost(_median_s(lambda: models.voice.predict([noise])), _median_s(face))


def _median_s(work: Callable[[], object]) -> float:
    times = []
    for _ in range(_TRIES):
        began_at = time.process_time()
        work()
        times.append(time.process_time() - began_at)
    return statistics.median(times)
