"""From pictures to apparent expressions: detect, crop, classify."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.emotions import Scores, softmax
from models.face.crop import FaceInput, crop_face
from models.face.detector import FaceDetector
from models.runtime import OnnxNetwork
from models.tracker import Box

RgbSource = Callable[[], npt.NDArray[np.uint8]]
"""Gives a picture, uint8 RGB, (height, width, 3), when called in the inference thread."""


@dataclass(frozen=True)
class FaceReading:
    """The most prominent face of a picture: where it is, and its scores, shape (7,)."""

    scores: Scores
    box: Box


class FaceClassifier:
    """Crops -> probabilities in canonical order."""

    def __init__(
        self,
        network: OnnxNetwork,
        order: Sequence[int],
        face_input: FaceInput,
        temperature: float,
    ) -> None:
        self._network = network
        self._order = list(order)
        self._temperature = temperature
        self.input = face_input

    def classify(self, crops: Sequence[npt.NDArray[np.float32]]) -> list[Scores]:
        """Return scores, shape (7,), for crops as ``crop_face`` makes them."""
        if not crops:
            return []
        logits = self._network(np.stack(crops))[:, self._order]
        return list(softmax(logits / self._temperature))


class FacePredictor:
    """Pictures -> readings. To be used from one thread at a time."""

    def __init__(self, detector: FaceDetector, classifier: FaceClassifier) -> None:
        self._detector = detector
        self._classifier = classifier

    def predict(self, batch: Sequence[RgbSource]) -> list[FaceReading | None]:
        """Return the reading of each picture, or None where it shows no face."""
        boxes: list[Box | None] = []
        crops: list[npt.NDArray[np.float32]] = []
        for source in batch:
            rgb = source()
            box = self._detector.detect(rgb)
            boxes.append(box)
            if box is not None:
                crops.append(crop_face(rgb, box, self._classifier.input))
        scores = iter(self._classifier.classify(crops))
        return [None if box is None else FaceReading(next(scores), box) for box in boxes]
