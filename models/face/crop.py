"""Cut a detected face out of its picture, framed as the network's training pictures are."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from models.tracker import Box


@dataclass(frozen=True)
class FaceInput:
    """How a face network wants its crops; a fact of its weights, kept in the manifest.

    Attributes:
        size: side of the square crop in pixels.
        grey: whether the network takes one channel of grey levels instead of RGB.
        mean, deviation: per channel, for values in [0, 1].
        scale: side of the crop in widths of the detector's box.
        shift: how far below the box's centre the crop's centre lies, in widths of the box.
    """

    size: int
    grey: bool
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    scale: float
    shift: float


def crop_face(rgb: npt.NDArray[np.uint8], box: Box, wanted: FaceInput) -> npt.NDArray[np.float32]:
    """Return the face as the network's input, float32, shape (channels, size, size).

    Where the crop reaches over the picture's edge, the edge is repeated.

    Args:
        rgb: the picture, uint8, shape (height, width, 3).
        box: where the face is.
        wanted: what the network takes.
    """
    height, width = rgb.shape[:2]
    box_width = max(box.width * width, 1.0)
    side = max(1, round(box_width * wanted.scale))
    left = round((box.x + box.width / 2) * width - side / 2)
    top = round((box.y + box.height / 2) * height + wanted.shift * box_width - side / 2)
    square = _cut(rgb, left, top, side)
    # Averaging over areas when shrinking keeps fine texture from turning into false edges.
    shrinks = side > wanted.size
    square = cv2.resize(
        square,
        (wanted.size, wanted.size),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    ).astype(np.uint8, copy=False)
    if wanted.grey:
        square = cv2.cvtColor(square, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)[..., None]
    return normalised(square, wanted)


def normalised(square: npt.NDArray[np.uint8], wanted: FaceInput) -> npt.NDArray[np.float32]:
    """Turn a square picture, uint8 (size, size, channels), into float32 (channels, size, size)."""
    scaled = square.astype(np.float32) / 255
    standard = (scaled - np.asarray(wanted.mean, np.float32)) / np.asarray(
        wanted.deviation, np.float32
    )
    return np.ascontiguousarray(standard.transpose(2, 0, 1), np.float32)


def _cut(rgb: npt.NDArray[np.uint8], left: int, top: int, side: int) -> npt.NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    if rows[-1] - rows[0] == side - 1 and columns[-1] - columns[0] == side - 1:
        return rgb[top : top + side, left : left + side]
    beyond: npt.NDArray[np.uint8] = rgb[rows[:, None], columns]
    return beyond
