"""Find the most prominent face of a picture with MediaPipe's short-range detector (BlazeFace)."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from mediapipe import Image, ImageFormat
from mediapipe.tasks.python import BaseOptions, vision

from models.tracker import Box

_MODEL_IN_PACKAGE = "modules/face_detection/face_detection_short_range.tflite"


class FaceDetector:
    """Picture -> box. To be used from one thread at a time, as MediaPipe's detectors are."""

    def __init__(self, min_confidence: float = 0.65) -> None:
        """Load the detector's model from the installed mediapipe package.

        Args:
            min_confidence: in [0, 1]; what the detector is less sure of is no face. Close faces,
                dark or compressed, score above 0.8; clouds and lettering up to 0.63.
        """
        package = importlib.util.find_spec("mediapipe")
        if package is None or package.origin is None:
            raise ModuleNotFoundError("mediapipe is not installed")
        model = (Path(package.origin).parent / _MODEL_IN_PACKAGE).read_bytes()
        options = vision.FaceDetectorOptions(
            base_options=BaseOptions(model_asset_buffer=model),
            min_detection_confidence=min_confidence,
        )
        with _native_notes_unheard():
            self._detector = vision.FaceDetector.create_from_options(options)
            self.detect(np.zeros((128, 128, 3), np.uint8))

    def detect(self, rgb: npt.NDArray[np.uint8]) -> Box | None:
        """Return the largest face's box in a uint8 RGB picture, (height, width, 3), or None."""
        height, width = rgb.shape[:2]
        image = Image(image_format=ImageFormat.SRGB, data=np.ascontiguousarray(rgb))
        found = [detection.bounding_box for detection in self._detector.detect(image).detections]
        if not found:
            return None
        largest = max(found, key=lambda box: box.width * box.height)
        return Box(
            largest.origin_x / width,
            largest.origin_y / height,
            largest.width / width,
            largest.height / height,
        )

    def close(self) -> None:
        """Free the detector."""
        self._detector.close()


@contextlib.contextmanager
def _native_notes_unheard() -> Iterator[None]:
    """Drop what MediaPipe's C++ writes to standard error about GPUs and delegates it looks for.

    It does so before its own log level is in force. Errors are not lost: they are exceptions.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
