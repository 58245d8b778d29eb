"""Run the served networks over test data: the scores that every evaluation starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from eval.config import EvalConfig
from eval.datasets import DataError, face_test, fer_folder, ravdess_folder, voice_test
from eval.pairs import draw_pairs
from eval.windows import clip_scores, picture_crop
from models.emotions import Scores
from models.fusion import FusionConfig, fuse
from models.loading import VOICE, LoadedModels
from models.weights import read_manifest


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
    """

    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    names: tuple[str, ...]
    broken: tuple[Path, ...]
    protocol: str
    opened: int = 0

    @property
    def broken_share(self) -> float:
        """Broken files among those opened, in [0, 1]."""
        return len(self.broken) / max(self.opened, len(self.labels) + len(self.broken))


def score_voice(config: EvalConfig, models: LoadedModels, silence_rms: float) -> Scored:
    """Score RAVDESS clips of actors that the shipped network was not trained on.

    Args:
        config: where the clips are, and how many to draw.
        models: whose voice network is asked.
        silence_rms: windows below this root mean square, in [0, 1], are left out, as when served.

    Raises:
        DataError: there are no such clips, or none can be read.
    """
    trained_on: Sequence[int] = read_manifest()[VOICE].facts["ravdess_actors_trained_on"]
    root = ravdess_folder(config)
    test = voice_test(root, trained_on, config.max_per_class, config.seed)
    paths = [clip.path for clip in test.clips]
    scores = clip_scores(paths, models.voice, config.batch_windows, silence_rms)
    heard = [row for row, score in enumerate(scores) if score is not None]
    broken = tuple(paths[row] for row, score in enumerate(scores) if score is None)
    if not heard:
        raise DataError(f"none of {len(paths)} clips in {root} could be read", broken)
    return Scored(
        np.stack([score for score in scores if score is not None]),
        np.array([test.clips[row].label for row in heard], np.int64),
        tuple(paths[row].name for row in heard),
        broken,
        f"RAVDESS, {_amount(config, 'clips')}, mean of 1 s windows, unseen actors "
        f"{', '.join(map(str, test.actors))}; actors {listed(trained_on)} of training are left out",
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
    scores: list[Scores] = []
    starts = range(0, len(test.drawn), config.batch_windows)
    for start in tqdm(starts, desc="pictures", unit="batch", leave=False, disable=None):
        images = test.drawn.images[start : start + config.batch_windows]
        scores += models.classifier.classify(
            [picture_crop(image, models.classifier.input) for image in images]
        )
    return Scored(
        np.stack(scores),
        test.drawn.labels,
        test.drawn.names,
        test.drawn.broken,
        f"FER-2013 test pictures, {_amount(config, 'pictures')}, as they are, no detector",
        test.opened,
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
        f"of one class as above, drawn by seed {config.seed}; they recur, "
        "so the interval is too narrow",
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


def _amount(config: EvalConfig, what: str) -> str:
    if not config.max_per_class:
        return f"all {what}"
    return f"at most {config.max_per_class} {what} a class drawn by seed {config.seed}"
