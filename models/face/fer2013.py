"""Read FER-2013 as folders of 48 x 48 pictures, one folder a class, and FER+ votes beside it."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from models.emotions import EMOTIONS, Emotion, emotion_named
from models.face.network import FACE_SIZE

# FER+ (Barsoum et al., ICMI 2016) also counts contempt, unknown and no-face.
_FERPLUS_COLUMNS: dict[Emotion, str] = {
    Emotion.ANGRY: "anger",
    Emotion.DISGUST: "disgust",
    Emotion.FEAR: "fear",
    Emotion.HAPPY: "happiness",
    Emotion.NEUTRAL: "neutral",
    Emotion.SAD: "sadness",
    Emotion.SURPRISE: "surprise",
}
FERPLUS_FILE = "ferplus_votes.csv"
# What FER+ voters could choose: our emotions in canonical order, then the rest.
FERPLUS_CLASSES = (
    *(_FERPLUS_COLUMNS[emotion] for emotion in EMOTIONS),
    "contempt",
    "unknown",
    "NF",
)


@dataclass(frozen=True)
class FaceImages:
    """Pictures of one split.

    Attributes:
        names: file names, length n.
        images: uint8 grey levels, shape (n, 48, 48).
        labels: int64 indices into ``EMOTIONS``, shape (n,).
        broken: files that could not be read; they are in none of the above.
    """

    names: tuple[str, ...]
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    broken: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.names)

    def keep(self, mask: npt.NDArray[np.bool_]) -> FaceImages:
        """Return the pictures for which ``mask``, shape (n,), is true."""
        names = tuple(name for name, kept in zip(self.names, mask, strict=True) if kept)
        return FaceImages(names, self.images[mask], self.labels[mask], self.broken)


def class_folders(root: Path) -> dict[Emotion, Path]:
    """Find the class folders directly below ``root``; other folders are ignored.

    Raises:
        ValueError: two folders are of the same class.
    """
    found: dict[Emotion, Path] = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        try:
            emotion = emotion_named(folder.name)
        except ValueError:
            continue
        if emotion in found:
            raise ValueError(f"{found[emotion]} and {folder} both hold {emotion} pictures")
        found[emotion] = folder
    return found


def read_split(root: Path) -> FaceImages:
    """Read every picture of a split, in the order of classes and file names.

    Raises:
        FileNotFoundError: a class folder is missing below ``root``.
    """
    folders = class_folders(root) if root.is_dir() else {}
    missing = [emotion for emotion in EMOTIONS if emotion not in folders]
    if missing:
        raise FileNotFoundError(f"{root} lacks the class folders {', '.join(missing)}")
    names: list[str] = []
    images: list[npt.NDArray[np.uint8]] = []
    labels: list[int] = []
    broken: list[Path] = []
    for index, emotion in enumerate(EMOTIONS):
        for path in sorted(p for p in folders[emotion].iterdir() if p.is_file()):
            image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            if image is None:
                broken.append(path)
                continue
            if image.shape != (FACE_SIZE, FACE_SIZE):
                image = cv2.resize(image, (FACE_SIZE, FACE_SIZE), interpolation=cv2.INTER_AREA)
            names.append(path.name)
            images.append(image.astype(np.uint8, copy=False))
            labels.append(index)
    stacked = np.stack(images) if images else np.zeros((0, FACE_SIZE, FACE_SIZE), np.uint8)
    return FaceImages(tuple(names), stacked, np.array(labels, np.int64), tuple(broken))


def hash_of(image: npt.NDArray[np.uint8]) -> int:
    """Return the first eight bytes of the pixels' sha256 as a number."""
    return int.from_bytes(hashlib.sha256(image.tobytes()).digest()[:8], "little")


def without_copies_of(train: FaceImages, test: FaceImages) -> FaceImages:
    """Return ``train`` without the pictures whose pixels equal those of a picture in ``test``."""
    seen = {hash_of(image) for image in test.images}
    mask = [hash_of(image) not in seen for image in train.images]
    return train.keep(np.array(mask, bool))


def read_votes(csv_path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Read FER+ votes: picture name -> share of each of ``FERPLUS_CLASSES``, shape (10,).

    Pictures on which nobody voted are absent.
    """
    return {
        name: counts / counts.sum() for name, counts in _ferplus_counts(csv_path) if counts.any()
    }


def of_emotions(votes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32] | None:
    """Return the part of a picture's votes, shape (10,), that went to our emotions, summing to 1.

    None where none did.
    """
    ours = votes[: len(EMOTIONS)]
    return ours / ours.sum() if ours.any() else None


def read_majorities(csv_path: Path) -> dict[str, int]:
    """Read on what FER+ voters agree: picture name -> index into ``EMOTIONS``.

    Only pictures for which one of the seven emotions has more than half of all votes, those for
    contempt, unknown and no face among them, are in the result.
    """
    return {
        name: int(counts.argmax())
        for name, counts in _ferplus_counts(csv_path)
        if counts[: len(EMOTIONS)].max() > counts.sum() / 2
    }


def _ferplus_counts(csv_path: Path) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Yield of each picture its name and how many voted for each of ``FERPLUS_CLASSES``."""
    with csv_path.open(newline="") as file:
        for row in csv.DictReader(file):
            yield row["image"], np.array([float(row[c]) for c in FERPLUS_CLASSES], np.float32)
