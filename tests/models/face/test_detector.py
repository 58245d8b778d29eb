"""Faces are found where they are, the largest is taken, and no face is None."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
import skimage.data

from models.face.detector import FaceDetector
from models.tracker import Box
from tests.media import ANGRY, HAPPY, NO_FACE, NO_RECORDINGS, SILENT

Picture = npt.NDArray[np.uint8]
HEIGHT, WIDTH = 480, 640


@pytest.fixture(scope="module")
def detector() -> Iterator[FaceDetector]:
    started = FaceDetector()
    yield started
    started.close()


def portrait(side: int) -> Picture:
    """Return the photograph's head and shoulders as a square of this side."""
    head = skimage.data.astronaut()[20:220, 120:320]
    return cv2.resize(head, (side, side), interpolation=cv2.INTER_LINEAR).astype(np.uint8)


def assert_centre(box: Box | None, x: float, y: float, within: float = 0.04) -> None:
    assert box is not None
    assert box.x + box.width / 2 == pytest.approx(x, abs=within)
    assert box.y + box.height / 2 == pytest.approx(y, abs=within)


def test_photograph(detector: FaceDetector):
    """The woman's face is found around column 224, row 130 of 512, and is about 95 pixels wide."""
    box = detector.detect(skimage.data.astronaut())
    assert_centre(box, 224 / 512, 130 / 512)
    assert box is not None
    assert 75 / 512 < box.width < 120 / 512
    assert box.height == pytest.approx(box.width, rel=0.1)


def test_shares_of_each_side(detector: FaceDetector):
    """A box is given in shares of the picture's own width and height, also when they differ."""
    wide = np.pad(skimage.data.astronaut()[:384], ((0, 0), (0, 128), (0, 0)), mode="edge")
    box = detector.detect(wide)
    assert_centre(box, 224 / 640, 130 / 384)
    assert box is not None
    assert box.width * 640 == pytest.approx(box.height * 384, rel=0.1)


@pytest.mark.parametrize("large_on", ["left", "right"])
def test_largest(detector: FaceDetector, large_on: str):
    """Of two faces the larger is taken, on whichever side it is."""
    large, small = portrait(300), portrait(200)
    columns = {"left": 0, "right": WIDTH - 300}
    only_small = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    small_column = WIDTH - 200 if large_on == "left" else 0
    only_small[100:300, small_column : small_column + 200] = small
    both = only_small.copy()
    both[100:400, columns[large_on] : columns[large_on] + 300] = large
    alone = detector.detect(only_small)
    assert_centre(alone, (small_column + 105) / WIDTH, 210 / HEIGHT, within=0.05)
    taken = detector.detect(both)
    assert_centre(taken, (columns[large_on] + 158) / WIDTH, 260 / HEIGHT, within=0.05)
    assert alone is not None
    assert taken is not None
    assert taken.width > alone.width * 1.3


def noise(low: int, high: int) -> Picture:
    return np.random.default_rng(1).integers(low, high, (HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "picture",
    [
        np.full((HEIGHT, WIDTH, 3), 128, np.uint8),
        np.zeros((HEIGHT, WIDTH, 3), np.uint8),
        np.full((HEIGHT, WIDTH, 3), 255, np.uint8),
        noise(0, 30),
        noise(0, 256),
        skimage.data.astronaut()[300:, :],
        np.zeros((1, 1, 3), np.uint8),
    ],
    ids=["grey", "black", "white", "dark noise", "noise", "body", "one pixel"],
)
def test_no_face(detector: FaceDetector, picture: Picture):
    """A covered or dark camera, noise, and a person without a head show no face."""
    assert detector.detect(picture) is None


def test_view(detector: FaceDetector):
    """A view into a larger picture, which does not lie in one piece, is read as it looks."""
    photograph = skimage.data.astronaut()
    view = np.pad(photograph, ((0, 0), (100, 300), (0, 0)))[:, 100:612]
    assert not view.flags.c_contiguous
    assert detector.detect(view) == detector.detect(photograph)


def frames(path: Path, count: int = 4, every: int = 8) -> list[Picture]:
    if not path.exists():
        pytest.skip(NO_RECORDINGS)
    with av.open(str(path)) as container:
        decoded = zip(range(count * every), container.decode(video=0), strict=False)
        return [f.to_ndarray(format="rgb24") for number, f in decoded if number % every == 0]


@pytest.mark.parametrize("path", [HAPPY, ANGRY, SILENT], ids=["happy", "angry", "silent"])
def test_recording(detector: FaceDetector, path: Path):
    """In each sampled frame of a person before a webcam the face is found near the middle."""
    for picture in frames(path):
        assert_centre(detector.detect(picture), 0.5, 0.5, within=0.25)


def test_recording_without_face(detector: FaceDetector):
    """In a recording that shows nobody no face is found."""
    assert [detector.detect(picture) for picture in frames(NO_FACE)] == [None] * 4
