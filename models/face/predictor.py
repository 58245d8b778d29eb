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
class Look:
    """A picture to be looked at.

    Attributes:
        rgb: gives the picture.
        mirrored: whether the mirror image of the face is classified. Both express the same, and
            the mean of both is right more often. Whoever looks again and again gets that mean
            for half the time by looking at every second picture in the mirror.
    """

    rgb: RgbSource
    mirrored: bool = False


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
        return list(softmax(self._logits(crops))) if crops else []

    def classify_both_ways(self, crops: Sequence[npt.NDArray[np.float32]]) -> list[Scores]:
        """Do the same by the mean of each crop's logits and those of its mirror image."""
        if not crops:
            return []
        mirrored = [mirror_image(crop) for crop in crops]
        return list(softmax((self._logits(crops) + self._logits(mirrored)) / 2))

    def _logits(self, crops: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
        logits: npt.NDArray[np.float32] = self._network(np.stack(crops))[:, self._order]
        return logits / np.float32(self._temperature)


class FacePredictor:
    """Pictures -> readings. To be used from one thread at a time."""

    def __init__(self, detector: FaceDetector, classifier: FaceClassifier) -> None:
        self._detector = detector
        self._classifier = classifier

    def predict(self, batch: Sequence[Look]) -> list[FaceReading | None]:
        """Return the reading of each picture, or None where it shows no face."""
        boxes: list[Box | None] = []
        crops: list[npt.NDArray[np.float32]] = []
        for look in batch:
            rgb = look.rgb()
            box = self._detector.detect(rgb)
            boxes.append(box)
            if box is not None:
                crop = crop_face(rgb, box, self._classifier.input)
                crops.append(mirror_image(crop) if look.mirrored else crop)
        scores = iter(self._classifier.classify(crops))
        return [None if box is None else FaceReading(next(scores), box) for box in boxes]


def mirror_image(crop: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return a crop, (channels, height, width), with left and right exchanged."""
    return np.ascontiguousarray(crop[..., ::-1])
