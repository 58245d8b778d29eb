"""Find the test data and draw a seeded sample of what the networks were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.emotions import EMOTIONS
from models.face.fer2013 import FaceImages, class_folders, read_split
from models.voice import corpora


class DataError(RuntimeError):
    """Test data is not where it was said to be; the message says how it must look."""


@dataclass(frozen=True)
class VoiceTest:
    """Clips of speakers that training never heard."""

    clips: tuple[corpora.Utterance, ...]
    actors: tuple[int, ...]


def voice_test(root: Path, trained_on: Sequence[int], max_per_class: int, seed: int) -> VoiceTest:
    """Draw RAVDESS clips, ``max_per_class`` of each emotion (0: all), of unseen actors only.

    Raises:
        DataError: there are none below ``root``.
    """
    found = corpora.ravdess(root) if root.is_dir() else ()
    unseen = [clip for clip in found if int(clip.speaker) not in trained_on]
    if not unseen:
        raise DataError(
            f"{root} holds no RAVDESS speech of actors that training did not hear; it must hold "
            "folders Actor_01 ... Actor_24 with files like 03-01-05-01-02-01-17.wav. Get "
            "Audio_Speech_Actors_01-24.zip from zenodo.org, record 1188976."
        )
    drawn = draw([clip.label for clip in unseen], max_per_class, seed)
    actors = tuple(sorted({int(clip.speaker) for clip in unseen}))
    return VoiceTest(tuple(unseen[row] for row in drawn), actors)


def face_test(root: Path, max_per_class: int, seed: int) -> FaceImages:
    """Draw FER-2013 test pictures, ``max_per_class`` of each emotion (0: all).

    Raises:
        DataError: neither ``root`` nor ``root/test`` holds the seven class folders.
    """
    for folder in (root, root / "test"):
        if folder.is_dir() and len(class_folders(folder)) == len(EMOTIONS):
            split = read_split(folder)
            mask = np.zeros(len(split), bool)
            mask[draw(split.labels.tolist(), max_per_class, seed)] = True
            return split.keep(mask)
    raise DataError(
        f"{root} holds no FER-2013 test pictures; it, or test/ in it, must hold the folders "
        f"{', '.join(EMOTIONS)} with 48 x 48 pictures. "
        "Get fer2013 from kaggle.com (msambare/fer2013)."
    )


def draw(labels: Sequence[int], max_per_class: int, seed: int) -> list[int]:
    """Return row numbers: up to ``max_per_class`` of each label, drawn by ``seed``; 0 takes all."""
    rng = np.random.default_rng(seed)
    rows: list[int] = []
    for label in range(len(EMOTIONS)):
        of_class = np.flatnonzero(np.array(labels) == label)
        if max_per_class and len(of_class) > max_per_class:
            of_class = rng.choice(of_class, max_per_class, replace=False)
        rows.extend(sorted(of_class.tolist()))
    return rows
