"""Run the served networks over test data: the scores that every evaluation starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eval.config import EvalConfig
from eval.datasets import (
    DataError,
    actors_of_choosing,
    actors_of_training,
    face_test,
    fer_folder,
    ravdess_folder,
    voice_test,
)
from eval.pairs import draw_pairs
from eval.windows import clip_scores, picture_scores
from models.face.fer2013 import FERPLUS_FILE, read_majorities
from models.fusion import FusionConfig, fuse
from models.loading import LoadedModels

_NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)


@dataclass(frozen=True)
class Scored:
    """What a network said of test data, and what is true of it.

    Attributes:
        scores: probabilities in the order of ``EMOTIONS``, float32, shape (n, 7); n is not 0.
        labels: indices into ``EMOTIONS``, int64, shape (n,).
        names: file names, length n.
        broken: files that could not be read; they are in none of the above.
        protocol: a line that says what was measured and how.
        opened: files that were opened, where that was more than the scored and the broken ones.
        parts: where rows share parts, the number of the clip and of the picture of each, int64,
            shape (n, 2); else None.
    """

    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    names: tuple[str, ...]
    broken: tuple[Path, ...]
    protocol: str
    opened: int = 0
    parts: npt.NDArray[np.int64] | None = None

    @property
    def broken_share(self) -> float:
        """Broken files among those opened, in [0, 1]."""
        return len(self.broken) / max(self.opened, len(self.labels) + len(self.broken))


def score_voice(config: EvalConfig, models: LoadedModels, silence_rms: float) -> Scored:
    """Score RAVDESS clips of actors that the shipped network was not trained on.

    Args:
        config: where the clips are, and how many to draw.
        models: whose voice network is asked.
        silence_rms: seconds below this root mean square, in [0, 1], are left out, as when served.

    Raises:
        DataError: there are no such clips, or none can be read.
    """
    trained_on, chosen_by = actors_of_training(), actors_of_choosing()
    root = ravdess_folder(config)
    test = voice_test(root, trained_on, config.max_per_class, config.seed)
    paths = [clip.path for clip in test.clips]
    scores = clip_scores(paths, models.voice, silence_rms)
    heard = [row for row, score in enumerate(scores) if score is not None]
    broken = tuple(paths[row] for row, score in enumerate(scores) if score is None)
    if not heard:
        raise DataError(f"none of {len(paths)} clips in {root} could be read", broken)
    chose = listed([actor for actor in test.actors if actor in chosen_by])
    how = f"; {chose} chose the recipe and set the calibration" if chose else ""
    return Scored(
        np.stack([score for score in scores if score is not None]),
        np.array([test.clips[row].label for row in heard], np.int64),
        tuple(paths[row].name for row in heard),
        broken,
        f"RAVDESS, {_amount(config, 'clips')}, windows of up to 1 s pooled, unseen actors "
        f"{', '.join(map(str, test.actors))}{how}; actors {listed(trained_on)} of training are "
        f"left out; the interval is of {_counted(len(test.actors), 'actor')}; others vary more",
    )


def score_face(config: EvalConfig, models: LoadedModels) -> Scored:
    """Score FER-2013's test pictures, which are faces already: no detector looks at them.

    Raises:
        DataError: there are no such pictures, or none can be read.
    """
    root = fer_folder(config)
    test = face_test(root, config.max_per_class, config.seed)
    if not len(test.drawn):
        raise DataError(
            f"none of {test.opened} pictures in {root} could be read", test.drawn.broken
        )
    return Scored(
        picture_scores(test.drawn.images, models.classifier, config.batch_pictures),
        test.drawn.labels,
        test.drawn.names,
        test.drawn.broken,
        f"FER-2013 test pictures, {_amount(config, 'pictures')}, as they are, no detector",
        test.opened,
    )


def by_majority(face: Scored, config: EvalConfig) -> Scored:
    """Judge the scores of ``score_face`` by FER+: what most of ten people saw in a picture.

    FER-2013's own labels agree with these on two thirds of the faces.

    Raises:
        DataError: ``ferplus_votes.csv`` is not where the pictures are, or knows none of them.
    """
    root = fer_folder(config)
    found = [folder for folder in (root, root.parent) if (folder / FERPLUS_FILE).is_file()]
    if not found:
        raise DataError(f"{FERPLUS_FILE} is neither in {root} nor beside it")
    majorities = read_majorities(found[0] / FERPLUS_FILE)
    rows = [row for row, name in enumerate(face.names) if name in majorities]
    if not rows:
        raise DataError(f"{found[0] / FERPLUS_FILE} has a majority for none of the pictures")
    names = tuple(face.names[row] for row in rows)
    return Scored(
        face.scores[rows],
        np.array([majorities[name] for name in names], np.int64),
        names,
        (),
        "those of the pictures on which more than half of the FER+ voters agree, by their label",
    )


def score_fused(voice: Scored, face: Scored, config: EvalConfig, fusion: FusionConfig) -> Scored:
    """Fuse clips with pictures of the same class, by the pairs of ``draw_pairs``.

    Raises:
        DataError: no class has both a clip and a picture.
    """
    pairs = draw_pairs(voice.labels, face.labels, config.fused_samples_per_class, config.seed)
    if not len(pairs):
        raise DataError("needs both voice and face of one class")
    fused = [fuse(voice.scores[clip], face.scores[picture], fusion) for clip, picture in pairs]
    return Scored(
        np.array(fused, np.float32),
        voice.labels[pairs[:, 0]],
        tuple(f"{voice.names[clip]} + {face.names[picture]}" for clip, picture in pairs),
        (),
        f"{fusion.mode} fusion, w_voice {fusion.w_voice}, pairs of a clip and a picture "
        f"of one class as above, drawn by seed {config.seed}; they recur, so the interval is "
        "over clips and pictures drawn anew",
        parts=pairs,
    )


def listed(numbers: Sequence[int]) -> str:
    """Write numbers in order, runs of three and more as 1-16: "1-3, 7, 8"."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs
    )


def _counted(number: int, what: str) -> str:
    """Write "one actor", "four actors", "24 actors"."""
    word = _NUMBERS[number] if number < len(_NUMBERS) else str(number)
    return f"{word} {what}{'' if number == 1 else 's'}"


def _amount(config: EvalConfig, what: str) -> str:
    if not config.max_per_class:
        return f"all {what}"
    return f"at most {config.max_per_class} {what} a class drawn by seed {config.seed}"
