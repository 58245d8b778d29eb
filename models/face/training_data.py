"""What the face network learns from: pictures, and targets that are softer than one label."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from models.emotions import EMOTIONS
from models.face.fer2013 import (
    FERPLUS_CLASSES,
    FERPLUS_FILE,
    FaceImages,
    hash_of,
    of_emotions,
    read_split,
    read_votes,
    without_copies_of,
)

_HELD_OUT_SHARE = 0.05
_HOLD_OUT_SEED = 0


@dataclass(frozen=True)
class TargetMix:
    """What a target is made of besides the label.

    Attributes:
        label_smoothing: share that is spread over all classes.
        votes_weight: share of the FER+ votes for our emotions, where there are such.
    """

    label_smoothing: float = 0.05
    votes_weight: float = 0.15


@dataclass(frozen=True)
class Lessons:
    """What a run learns from and what it is watched with.

    Attributes:
        targets: of the training pictures, probabilities, float32, shape (n, 7).
        votes: the same of all FER+ classes, shape (n, 10); zeros where nobody voted.
    """

    training: FaceImages
    targets: torch.Tensor
    votes: torch.Tensor
    validation: FaceImages


def read_lessons(fer_root: Path, mix: TargetMix) -> Lessons:
    """Read FER-2013, and FER+ votes where they lie in ``ferplus_votes.csv`` beside it."""
    training, validation = split_pictures(fer_root)
    votes_path = fer_root / FERPLUS_FILE
    votes = read_votes(votes_path) if votes_path.exists() else {}
    if not votes:
        print(f"{votes_path} is not there: training goes by the labels alone", file=sys.stderr)
    nobody = np.zeros(len(FERPLUS_CLASSES), np.float32)
    of_each = np.stack([votes.get(name, nobody) for name in training.names])
    targets = soft_targets(training, votes, mix)
    return Lessons(training, targets, torch.from_numpy(of_each), validation)


def split_pictures(fer_root: Path) -> tuple[FaceImages, FaceImages]:
    """Read the training split without copies of test pictures; hold one in twenty out.

    Always the same ones, whatever the seed of a run: calibration needs what no run has learned.

    Raises:
        ValueError: there are too few pictures for that.
    """
    test = read_split(fer_root / "test")
    everything = without_copies_of(read_split(fer_root / "train"), test)
    training, validation = hold_out(everything, _HELD_OUT_SHARE, _HOLD_OUT_SEED)
    if not len(validation):
        raise ValueError(
            f"{fer_root / 'train'} holds {len(everything)} pictures in folders "
            f"{', '.join(EMOTIONS)}; at least {round(1 / _HELD_OUT_SHARE)} are needed"
        )
    return training, validation


def hold_out(split: FaceImages, share: float, seed: int) -> tuple[FaceImages, FaceImages]:
    """Split by picture content, so that copies of one picture stay on one side."""
    shuffled = np.random.default_rng(seed)
    keys = np.array([hash_of(image) for image in split.images], np.uint64)
    unique = np.unique(keys)
    held = shuffled.choice(unique, int(len(unique) * share), replace=False)
    mask = np.isin(keys, held)
    return split.keep(~mask), split.keep(mask)


def soft_targets(
    split: FaceImages,
    votes: Mapping[str, npt.NDArray[np.float32]],
    mix: TargetMix,
) -> torch.Tensor:
    """Return target probabilities, float32, shape (n, 7): smoothed labels mixed with votes.

    Args:
        split: the pictures.
        votes: of FER+, as ``read_votes`` gives them; may lack pictures.
        mix: how much of what.
    """
    hard = np.eye(len(EMOTIONS), dtype=np.float32)[split.labels]
    targets = (1 - mix.label_smoothing) * hard + mix.label_smoothing / len(EMOTIONS)
    for row, name in enumerate(split.names):
        if name in votes and (voted := of_emotions(votes[name])) is not None:
            targets[row] = (1 - mix.votes_weight) * targets[row] + mix.votes_weight * voted
    return torch.from_numpy(targets)
