"""FER-2013 in folders of its layout, made here, three small pictures a class."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.emotions import EMOTIONS, Emotion
from models.face.fer2013 import (
    FaceImages,
    class_folders,
    of_emotions,
    read_majorities,
    read_split,
    read_votes,
    without_copies_of,
)

PER_CLASS = 3


def write_picture(path: Path, level: int, side: int = 48) -> None:
    """Write a picture of one grey level, which JPEG keeps exactly enough."""
    assert cv2.imwrite(str(path), np.full((side, side), level, np.uint8))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a split whose pictures' levels tell class and number: 30 * class + 10 * number."""
    for index, emotion in enumerate(EMOTIONS):
        (tmp_path / emotion).mkdir()
        for number in range(PER_CLASS):
            name = f"Training_{index}{number}.jpg"
            write_picture(tmp_path / emotion / name, 30 * index + 10 * number)
    return tmp_path


def test_reading(root: Path):
    """Every picture is read with its name and label, in the order of classes and names."""
    split = read_split(root)
    assert len(split) == 21
    assert split.images.shape == (21, 48, 48)
    assert split.images.dtype == np.uint8
    assert split.labels.tolist() == [label for label in range(7) for _ in range(PER_CLASS)]
    assert split.names[:4] == (
        "Training_00.jpg",
        "Training_01.jpg",
        "Training_02.jpg",
        "Training_10.jpg",
    )
    wanted = [30 * label + 10 * number for label in range(7) for number in range(PER_CLASS)]
    np.testing.assert_allclose(split.images.mean((1, 2)), wanted, atol=1)
    assert split.broken == ()


def test_other_folder_names(root: Path):
    """Folders may bear other names of the classes, and others beside them are ignored."""
    (root / "happy").rename(root / "Happiness")
    (root / "contempt").mkdir()
    (root / "readme.txt").write_text("hello")
    assert class_folders(root)[Emotion.HAPPY] == root / "Happiness"
    assert len(read_split(root)) == 21


def test_broken_file(root: Path):
    """A file that is no picture is listed as broken and leaves no gap among the others."""
    broken = root / "fear" / "Training_20a.jpg"
    broken.write_bytes(b"no picture")
    split = read_split(root)
    assert split.broken == (broken,)
    assert len(split) == len(split.images) == len(split.labels) == 21
    assert broken.name not in split.names


def test_truncated_to_nothing(root: Path):
    """An empty file, as an interrupted copy leaves it, is listed as broken too."""
    (root / "sad" / "Training_50.jpg").write_bytes(b"")
    assert read_split(root).broken == (root / "sad" / "Training_50.jpg",)


def test_other_size(root: Path):
    """A picture of another size is brought to 48 x 48."""
    write_picture(root / "sad" / "Training_50.jpg", 77, side=96)
    split = read_split(root)
    np.testing.assert_allclose(split.images[split.names.index("Training_50.jpg")], 77, atol=1)


def test_missing_class(root: Path):
    """Without one of the seven classes nothing is read, and the message names the class."""
    (root / "disgust").rename(root / "elsewhere")
    with pytest.raises(FileNotFoundError, match="disgust"):
        read_split(root)


def test_missing_folder(tmp_path: Path):
    """Without the folder the message names it."""
    with pytest.raises(FileNotFoundError, match="nowhere lacks"):
        read_split(tmp_path / "nowhere")


def split_of(*levels: int) -> FaceImages:
    images = np.stack([np.full((48, 48), level, np.uint8) for level in levels])
    names = tuple(f"{level}.jpg" for level in levels)
    return FaceImages(names, images, np.arange(len(levels), dtype=np.int64), ())


def test_copies_of_test_pictures():
    """Training pictures with the pixels of a test picture are left out, with name and label."""
    left = without_copies_of(split_of(10, 20, 30, 20), split_of(20, 40))
    assert left.names == ("10.jpg", "30.jpg")
    assert left.labels.tolist() == [0, 2]
    assert left.images[:, 0, 0].tolist() == [10, 30]


def test_no_copies():
    """Pictures that differ in a single pixel are no copies."""
    training, test = split_of(10, 20), split_of(20)
    test.images[0, 5, 5] += 1
    assert without_copies_of(training, test).names == training.names


VOTES = """\
split,image,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF
train,a.jpg,1,2,3,4,0,0,0,0,0,0
train,b.jpg,0,0,0,0,5,0,0,4,1,0
train,c.jpg,0,0,0,0,0,0,0,7,2,1
train,d.jpg,1,0,0,0,0,1,2,0,0,0
train,e.jpg,0,0,0,0,0,0,0,0,0,0
"""


def test_votes(tmp_path: Path):
    """Votes become shares of all FER+ classes, ours first and in our order, or of ours alone."""
    path = tmp_path / "votes.csv"
    path.write_text(VOTES)
    votes = read_votes(path)
    assert set(votes) == {"a.jpg", "b.jpg", "c.jpg", "d.jpg"}  # for e nobody voted at all
    np.testing.assert_allclose(votes["a.jpg"], [0, 0, 0, 0.2, 0.1, 0.4, 0.3, 0, 0, 0])
    np.testing.assert_allclose(votes["b.jpg"], [0.5, 0, 0, 0, 0, 0, 0, 0.4, 0.1, 0])
    np.testing.assert_allclose(of_emotions(votes["b.jpg"]), [1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(of_emotions(votes["d.jpg"]), [0, 0.25, 0.5, 0, 0.25, 0, 0])
    assert of_emotions(votes["c.jpg"]) is None


def test_majorities(tmp_path: Path):
    """A picture has a majority when more than half of all voters saw the same emotion."""
    header = "split,image,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    path = tmp_path / "votes.csv"
    rows = [
        "test,clear.jpg,0,0,0,0,6,1,0,3,0,0",
        "test,half.jpg,5,0,0,5,0,0,0,0,0,0",
        "test,unknown.jpg,0,4,0,0,0,0,0,0,6,0",
        "test,nobody.jpg,0,0,0,0,0,0,0,0,0,0",
    ]
    path.write_text("\n".join([header, *rows]) + "\n")
    assert read_majorities(path) == {"clear.jpg": 0}
