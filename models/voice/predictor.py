"""From windows of speech to apparent expressions: MFCC, then the network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.emotions import Scores, softmax
from models.runtime import OnnxNetwork
from models.voice.features import Mfcc


class VoicePredictor:
    """Windows -> probabilities in canonical order. To be used from one thread at a time."""

    def __init__(
        self, network: OnnxNetwork, order: Sequence[int], mfcc: Mfcc, temperature: float
    ) -> None:
        self._network = network
        self._order = list(order)
        self._mfcc = mfcc
        self._temperature = temperature

    def predict(self, batch: Sequence[npt.NDArray[np.float32]]) -> list[Scores]:
        """Return scores, shape (7,), of each window.

        Args:
            batch: windows, float32 in [-1, 1] at 16 kHz, shape (n,); n may differ between them.
        """
        scores: dict[int, Scores] = {}
        for length in {len(window) for window in batch}:
            rows = [row for row, window in enumerate(batch) if len(window) == length]
            mfcc = self._mfcc(np.stack([batch[row] for row in rows]))
            probabilities = softmax(self._network(mfcc)[:, self._order] / self._temperature)
            scores.update(zip(rows, probabilities, strict=True))
        return [scores[row] for row in range(len(batch))]
