"""Find the test data and draw a seeded sample of what the networks were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.config import FER_FOLDER, RAVDESS_FOLDER, EvalConfig
from models.emotions import EMOTIONS
from models.face.fer2013 import FaceImages, class_folders, read_split
from models.loading import VOICE
from models.voice import corpora
from models.weights import read_manifest

RAVDESS_GUIDE = f"""\
RAVDESS, for the voice: emotional speech of 24 actors (Livingstone and Russo 2018).
  Download Audio_Speech_Actors_01-24.zip from https://zenodo.org/records/1188976 (record 1188976)
  and unpack it into {RAVDESS_FOLDER}, or name its folder with --ravdess or RAVDESS_ROOT:
    {RAVDESS_FOLDER}/Actor_01/03-01-01-01-01-01-01.wav
    ...
    {RAVDESS_FOLDER}/Actor_24/03-01-08-02-02-02-24.wav"""
FER_GUIDE = f"""\
FER-2013, for the face: 48 x 48 pictures of faces in seven classes (Goodfellow et al. 2013).
  Download it from https://www.kaggle.com/datasets/msambare/fer2013 (msambare/fer2013)
  and unpack it into {FER_FOLDER}, or name its folder with --fer or FER_TEST_ROOT:
    {FER_FOLDER}/test/angry/PrivateTest_10131363.jpg
    ... and beside angry: {", ".join(EMOTIONS[1:])}"""


class DataError(RuntimeError):
    """There is no test data of a kind; the message says why, and what was looked for.

    Attributes:
        broken: files that are there but could not be read.
    """

    def __init__(self, message: str, broken: tuple[Path, ...] = ()) -> None:
        super().__init__(message)
        self.broken = broken


@dataclass(frozen=True)
class VoiceTest:
    """Clips of speakers that training never heard."""

    clips: tuple[corpora.Utterance, ...]
    actors: tuple[int, ...]


@dataclass(frozen=True)
class FaceTest:
    """Pictures that training never saw.

    Attributes:
        drawn: those to score, and with them every file of the folder that could not be read.
        opened: files of the folder that were opened.
    """

    drawn: FaceImages
    opened: int


def ravdess_folder(config: EvalConfig) -> Path:
    """Return the folder that was named for RAVDESS, or ``RAVDESS_FOLDER`` if it is there.

    Raises:
        DataError: there is no folder.
    """
    return _folder(config.ravdess_root, RAVDESS_FOLDER, "--ravdess or RAVDESS_ROOT")


def fer_folder(config: EvalConfig) -> Path:
    """Return the folder that was named for FER-2013, or ``FER_FOLDER`` if it is there.

    Raises:
        DataError: there is no folder.
    """
    return _folder(config.fer_test_root, FER_FOLDER, "--fer or FER_TEST_ROOT")


def actors_of_training() -> Sequence[int]:
    """Return the RAVDESS actors that the shipped voice network was trained on."""
    return _actors("ravdess_actors_trained_on")


def actors_of_choosing() -> Sequence[int]:
    """Return those that chose between shipped voice networks, and set their calibration."""
    return _actors("ravdess_actors_chosen_by")


def _actors(fact: str) -> Sequence[int]:
    actors: Sequence[int] = read_manifest()[VOICE].facts[fact]
    return actors


def voice_test(root: Path, trained_on: Sequence[int], max_per_class: int, seed: int) -> VoiceTest:
    """Draw RAVDESS clips, ``max_per_class`` of each emotion (0: all), of unseen actors only.

    Raises:
        DataError: there are none below ``root``.
    """
    found = corpora.ravdess(root) if root.is_dir() else ()
    if not found:
        raise DataError(
            f"{root} holds no RAVDESS speech; it must hold folders Actor_01 ... Actor_24 with "
            "files like 03-01-05-01-02-01-17.wav (zenodo.org, record 1188976)"
        )
    unseen = [clip for clip in found if int(clip.speaker) not in trained_on]
    if not unseen:
        heard = ", ".join(map(str, sorted({int(clip.speaker) for clip in found})))
        raise DataError(
            f"{root} holds nothing but actors that the network was trained on ({heard}); it must "
            "hold others of Actor_01 ... Actor_24 (zenodo.org, record 1188976)"
        )
    drawn = draw([clip.label for clip in unseen], max_per_class, seed)
    actors = tuple(sorted({int(clip.speaker) for clip in unseen}))
    return VoiceTest(tuple(unseen[row] for row in drawn), actors)


def face_test(root: Path, max_per_class: int, seed: int) -> FaceTest:
    """Draw FER-2013 test pictures, ``max_per_class`` of each emotion (0: all).

    Raises:
        DataError: neither ``root`` nor ``root/test`` holds the seven class folders, or they hold
            pictures of the training split.
    """
    split = read_split(_class_root(root))
    if any(name.startswith("Training_") for name in split.names):
        raise DataError(f"{root} holds pictures of FER-2013's training split, not of its test")
    mask = np.zeros(len(split), bool)
    mask[draw(split.labels.tolist(), max_per_class, seed)] = True
    return FaceTest(split.keep(mask), len(split) + len(split.broken))


def spoken_by_man(name: str) -> bool:
    """Whether a RAVDESS file name, ``03-01-05-01-02-01-17.wav``, is of a man: an odd actor."""
    return int(Path(name).stem.split("-")[-1]) % 2 == 1


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


def _folder(named: Path | None, default: Path, flag: str) -> Path:
    if named is None and not default.is_dir():
        raise DataError(f"no folder was named with {flag}, and {default} is not there")
    root = named or default
    if not root.is_dir():
        raise DataError(f"{root} is no folder; name one with {flag}")
    return root


def _class_root(root: Path) -> Path:
    for folder in (root, root / "test"):
        try:
            if folder.is_dir() and len(class_folders(folder)) == len(EMOTIONS):
                return folder
        except ValueError as error:
            raise DataError(str(error)) from error
    raise DataError(
        f"{root} holds no FER-2013 test pictures; it, or test/ in it, must hold the folders "
        f"{', '.join(EMOTIONS)} (kaggle.com, msambare/fer2013)"
    )
