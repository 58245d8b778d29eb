"""Crops worked out by hand, in a picture whose red is the row and whose green is the column."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from models.face.crop import FaceInput, crop_face, normalised
from models.tracker import Box

HEIGHT, WIDTH = 100, 200
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.uint8)
PICTURE: npt.NDArray[np.uint8] = np.stack([ROWS, COLUMNS, np.full_like(ROWS, 7)], axis=-1)
BOX = Box(x=0.25, y=0.3, width=0.2, height=0.4)  # 40 pixels wide around column 70, row 50


def rgb_input(size: int, scale: float = 1.0, shift: float = 0.0) -> FaceInput:
    """Return an input that keeps levels as they are, but for the division by 255."""
    return FaceInput(size, grey=False, mean=(0,) * 3, deviation=(1,) * 3, scale=scale, shift=shift)


def levels(crop: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return crop * 255


def assert_shows(
    crop: npt.NDArray[np.float32], rows: npt.ArrayLike, columns: npt.ArrayLike, atol: float = 1e-3
) -> None:
    """Check which rows and columns of the picture a crop of it shows."""
    rows, columns = np.asarray(rows), np.asarray(columns)
    red, green, blue = levels(crop)
    np.testing.assert_allclose(red, np.tile(rows[:, None], (1, len(columns))), atol=atol)
    np.testing.assert_allclose(green, np.tile(columns, (len(rows), 1)), atol=atol)
    np.testing.assert_allclose(blue, 7, atol=atol)


def test_plain():
    """With scale 1 the crop is a square as wide as the box, around its centre."""
    crop = crop_face(PICTURE, BOX, rgb_input(40))
    assert crop.shape == (3, 40, 40)
    assert crop.dtype == np.float32
    assert crop.flags.c_contiguous
    assert_shows(crop, range(30, 70), range(50, 90))


def test_scale():
    """Scale 1.5 makes the side 60 pixels and leaves the centre where it is."""
    assert_shows(crop_face(PICTURE, BOX, rgb_input(60, scale=1.5)), range(20, 80), range(40, 100))


@pytest.mark.parametrize(("shift", "first_row"), [(0.25, 40), (-0.25, 20)])
def test_shift(shift: float, first_row: int):
    """A shift of a quarter moves the crop by a quarter of the box's width: down if positive."""
    crop = crop_face(PICTURE, BOX, rgb_input(40, shift=shift))
    assert_shows(crop, range(first_row, first_row + 40), range(50, 90))


def test_shift_is_in_widths_of_the_box():
    """With scale and shift together the shift is still in widths of the box, not of the crop."""
    crop = crop_face(PICTURE, BOX, rgb_input(60, scale=1.5, shift=0.1))
    assert_shows(crop, range(24, 84), range(40, 100))


def test_over_top_left():
    """Where the crop reaches over the top and left edges, row and column 0 are repeated."""
    crop = crop_face(PICTURE, Box(-0.05, 0.0, 0.2, 0.2), rgb_input(40))
    assert_shows(crop, [*[0] * 10, *range(30)], [*[0] * 10, *range(30)])


def test_over_bottom_right():
    """Where the crop reaches over the bottom and right edges, the last row and column are."""
    crop = crop_face(PICTURE, Box(0.85, 0.8, 0.2, 0.2), rgb_input(40))
    assert_shows(crop, [*range(70, 100), *[99] * 10], [*range(170, 200), *[199] * 10])


def test_larger_than_picture():
    """A box larger than the picture gives the whole picture within its repeated edges."""
    crop = crop_face(PICTURE, Box(-0.5, -0.5, 2.0, 2.0), rgb_input(400))
    rows = [*[0] * 150, *range(100), *[99] * 150]
    columns = [*[0] * 100, *range(200), *[199] * 100]
    assert_shows(crop, rows, columns)


@pytest.mark.parametrize("box", [Box(2.0, 2.0, 0.2, 0.2), Box(-3.0, -3.0, 0.1, 0.1)])
def test_outside_picture(box: Box):
    """A box that lies outside altogether gives the nearest corner's colour, not an error."""
    row, column = (99, 199) if box.x > 0 else (0, 0)
    assert_shows(crop_face(PICTURE, box, rgb_input(16)), [row] * 16, [column] * 16)


@pytest.mark.parametrize("width", [0.0, 1e-6, 0.004])
def test_tiny_box(width: float):
    """A box narrower than a pixel gives the colour of the pixel in its place."""
    box = Box(70.5 / WIDTH - width / 2, 50.5 / HEIGHT, width, 0.0)
    assert_shows(crop_face(PICTURE, box, rgb_input(48)), [50] * 48, [70] * 48)


def test_shrinking():
    """Shrinking to half averages two by two pixels, so that a checkerboard turns grey."""
    assert_shows(
        crop_face(PICTURE, BOX, rgb_input(20)),
        np.arange(30.5, 70, 2),
        np.arange(50.5, 90, 2),
        atol=0.51,
    )
    board = np.where((ROWS + COLUMNS) % 2 == 0, 255, 0).astype(np.uint8)
    crop = crop_face(np.stack([board] * 3, axis=-1), BOX, rgb_input(20))
    np.testing.assert_allclose(levels(crop), 127.5, atol=0.51)


def test_enlarging():
    """Enlarging to the double interpolates between the pixels."""
    steps = np.clip(np.arange(-0.25, 39.5, 0.5), 0, 39)
    assert_shows(crop_face(PICTURE, BOX, rgb_input(80)), 30 + steps, 50 + steps, atol=0.51)


@pytest.mark.parametrize(
    ("colour", "grey"), [((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29)]
)
def test_grey(colour: tuple[int, int, int], grey: int):
    """Grey is 0.299 red, 0.587 green and 0.114 blue, so red and blue are not mixed up."""
    picture = np.full((HEIGHT, WIDTH, 3), colour, np.uint8)
    wanted = FaceInput(48, grey=True, mean=(0.0,), deviation=(1.0,), scale=1.2, shift=0.0)
    crop = crop_face(picture, BOX, wanted)
    assert crop.shape == (1, 48, 48)
    np.testing.assert_allclose(levels(crop), grey, atol=1e-3)


def test_grey_normalised():
    """Grey levels are brought to the network's own mean and deviation."""
    wanted = FaceInput(2, grey=True, mean=(0.5,), deviation=(0.25,), scale=1.0, shift=0.0)
    square = np.array([[0, 255], [51, 204]], np.uint8)[..., None]
    np.testing.assert_allclose(normalised(square, wanted), [[[-2, 2], [-1.2, 1.2]]], rtol=1e-6)


def test_rgb_normalised():
    """Each channel has a mean and deviation of its own, red first."""
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    wanted = FaceInput(2, grey=False, mean=mean, deviation=deviation, scale=1.0, shift=0.0)
    given = normalised(np.full((2, 2, 3), (255, 0, 51), np.uint8), wanted)
    by_hand = [(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225]
    np.testing.assert_allclose(given[:, 0, 0], by_hand, rtol=1e-5)
    assert given.shape == (3, 2, 2)
    assert given.flags.c_contiguous


def test_picture_is_left_alone():
    """The picture that is given is not changed."""
    before = PICTURE.copy()
    crop_face(PICTURE, BOX, rgb_input(40))[:] = 0
    np.testing.assert_array_equal(PICTURE, before)
