"""From windows of speech to apparent expressions: MFCC, then the network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.emotions import Scores, softmax
from models.runtime import OnnxNetwork
from models.voice.features import Mfcc


class VoicePredictor:
    """Windows -> probabilities in canonical order. To be used from one thread at a time.

    Attributes:
        gain: of ``models.smoothing.pooled``, for whoever averages what this predicts.
    """

    def __init__(
        self,
        network: OnnxNetwork,
        order: Sequence[int],
        mfcc: Mfcc,
        temperature: float,
        gain: float = 0.0,
    ) -> None:
        self.gain = gain
        self._network = network
        self._order = list(order)
        self._mfcc = mfcc
        self._temperature = temperature

    def predict(self, batch: Sequence[npt.NDArray[np.float32]]) -> list[Scores]:
        """Return scores, shape (7,), of each window.

        Args:
            batch: windows, float32 in [-1, 1] at 16 kHz, shape (n,); n may differ between them.
        """
        # One by one: activations are brought to 8 bits by the largest of all that are given, so
        # one person's scores would depend on who else speaks; and together they take as long.
        return [self._scores(window) for window in batch]

    def _scores(self, window: npt.NDArray[np.float32]) -> Scores:
        logits = self._network(self._mfcc(window[None]))[:, self._order]
        scores: Scores = softmax(logits / self._temperature)[0]
        return scores
