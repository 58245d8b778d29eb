"""Conditions under which fusion is tried, on pairs of a clip and a picture of the same label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from eval.config import EvalConfig
from eval.datasets import (
    DataError,
    actors_of_training,
    face_test,
    fer_folder,
    ravdess_folder,
    voice_test,
)
from eval.fusion.degraded import damaged, with_speech_shaped_noise, with_white_noise
from eval.fusion.rules import Case
from eval.pairs import draw_pairs
from eval.windows import picture_scores, readable, recording_scores
from models.emotions import Scores
from models.face.fer2013 import hash_of
from models.loading import LoadedModels
from models.voice.features import SILENCE_RMS

SNR_DB = 5.0
CLEAN = "clean"
WHITE = f"white noise at {SNR_DB:.0f} dB"
BABBLE = f"speech-shaped noise at {SNR_DB:.0f} dB"
DAMAGED = "face blurred, dark, noisy"
BOTH_WORSE = "speech-shaped noise and damaged face"
SILENT = "voice silent"
NO_FACE = "no face"
# For each condition in which both sides have evidence, what is done to the voice and to the face.
DEGRADED = {
    CLEAN: (CLEAN, CLEAN),
    WHITE: (WHITE, CLEAN),
    BABBLE: (BABBLE, CLEAN),
    DAMAGED: (CLEAN, DAMAGED),
    BOTH_WORSE: (BABBLE, DAMAGED),
}
_SURER_BY = 0.2  # of probability, between the sides' most probable emotions

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Side:
    """One side's test data, scored under each of its conditions.

    Attributes:
        scores: by condition, float32, shape (n, 7).
        labels: int64, shape (n,).
        half: 0 or 1: of speakers, or of pictures; int64, shape (n,).
        broken: how many files could not be read.
    """

    scores: dict[str, Scores]
    labels: npt.NDArray[np.int64]
    half: npt.NDArray[np.int64]
    broken: int


def altered_sound(condition: str, rng: np.random.Generator) -> Callable[[Samples], Samples]:
    """Return what ``condition`` does to a recording, float32 at 16 kHz, shape (n,)."""
    add = {WHITE: with_white_noise, BABBLE: with_speech_shaped_noise}.get(condition)
    return partial(add, snr_db=SNR_DB, rng=rng) if add else lambda samples: samples


def voice_side(config: EvalConfig, models: LoadedModels) -> Side:
    """Score RAVDESS clips of unseen actors; the halves share no actor.

    Raises:
        DataError: there are no such clips, only of one actor, or none that can be read.
    """
    trained_on = actors_of_training()
    test = voice_test(ravdess_folder(config), trained_on, config.max_per_class, config.seed)
    if len(test.actors) < 2:
        raise DataError("fusion is learned on some actors and tried on others: it needs two unseen")
    recordings, read = [], []
    for clip in test.clips:
        samples = readable(clip.path)
        if samples is not None:
            recordings.append(samples)
            read.append(clip)
    if not read:
        raise DataError(f"none of {len(test.clips)} clips could be read")
    scores = {}
    for condition in dict.fromkeys(voice for voice, _ in DEGRADED.values()):
        alter = altered_sound(condition, np.random.default_rng(config.seed))
        means = [
            recording_scores(alter(r), models.voice, SILENCE_RMS)
            for r in tqdm(recordings, desc=condition, leave=False, disable=None)
        ]
        scores[condition] = np.stack(means)
    later = test.actors[len(test.actors) // 2 :]
    return Side(
        scores,
        np.array([clip.label for clip in read], np.int64),
        np.array([int(clip.speaker) in later for clip in read], np.int64),
        len(test.clips) - len(read),
    )


def face_side(config: EvalConfig, models: LoadedModels) -> Side:
    """Score FER-2013 test pictures; equal pictures are in the same half.

    Raises:
        DataError: there are no such pictures.
    """
    root = fer_folder(config)
    drawn = face_test(root, config.max_per_class, config.seed).drawn
    if not len(drawn):
        raise DataError(f"{root} holds no picture that can be read", drawn.broken)
    rng = np.random.default_rng(config.seed)
    width_px = drawn.images.shape[2]
    images = {
        CLEAN: drawn.images,
        DAMAGED: np.stack([damaged(image, width_px, rng) for image in drawn.images]),
    }
    scores = {
        condition: picture_scores(pictures, models.classifier, config.batch_pictures)
        for condition, pictures in images.items()
    }
    half = np.array([hash_of(image) % 2 for image in drawn.images], np.int64)
    return Side(scores, drawn.labels, half, len(drawn.broken))


def pair_cases(voice: Side, face: Side, per_class: int, seed: int) -> list[Case]:
    """Pair clips with pictures of the same label and the same half, under each of ``DEGRADED``.

    Raises:
        DataError: a half has no pair.
    """
    drawn = []
    for half in (0, 1):
        clips, pictures = np.flatnonzero(voice.half == half), np.flatnonzero(face.half == half)
        pairs = draw_pairs(voice.labels[clips], face.labels[pictures], per_class, seed + half)
        if not len(pairs):
            raise DataError("too few clips or pictures: one half has no two of the same label")
        drawn.append(np.column_stack([clips[pairs[:, 0]], pictures[pairs[:, 1]]]))
    clip, picture = np.concatenate(drawn).T
    everywhere = np.ones(len(clip), bool)
    return [
        Case(
            *("pairs", condition, voice.scores[sound][clip], face.scores[sight][picture]),
            *(everywhere, everywhere, voice.labels[clip], voice.half[clip], clip, picture),
        )
        for condition, (sound, sight) in DEGRADED.items()
    ]


def without_one_side(clean: Case) -> list[Case]:
    """Return the case with a silent voice, and with no face."""
    nowhere = np.zeros(len(clean.labels), bool)
    return [
        replace(clean, condition=SILENT, heard=nowhere),
        replace(clean, condition=NO_FACE, seen=nowhere),
    ]


def by_certainty(clean: Case) -> list[Case]:
    """Return the moments where one side is much surer than the other, and where they disagree."""
    surer = clean.voice.max(axis=1) - clean.face.max(axis=1)
    chosen = {
        "clean, voice surer": surer >= _SURER_BY,
        "clean, face surer": surer <= -_SURER_BY,
        "clean, they disagree": clean.voice.argmax(axis=1) != clean.face.argmax(axis=1),
    }
    return [_rows(clean, name, mask) for name, mask in chosen.items() if mask.any()]


def _rows(case: Case, condition: str, mask: npt.NDArray[np.bool_]) -> Case:
    arrays = {
        name: getattr(case, name)[mask]
        for name in ("voice", "face", "heard", "seen", "labels", "half", "clip", "picture")
    }
    return replace(case, condition=condition, **arrays)
