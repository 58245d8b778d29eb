"""How well the voice recipe does on people it never heard: cross-validation by actor.

``python -m eval.crossvalidate --ravdess FOLDER --tess FOLDER --nemo FOLDER``

Trains one network a fold, so it takes hours; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from models.command_line import CommandParser, file_to_write
from models.threads import limit_threads_or_exit

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from models.voice.corpora import Utterance
    from models.voice.network import VoiceNetwork

# Imports that load numpy stand inside the functions: threads must be limited before.


@dataclass(frozen=True)
class Fold:
    """What one network said of the actors it never heard.

    Attributes:
        actors: their RAVDESS numbers.
        scores: of each clip, probabilities of its windows, float32, shape (windows, 7).
        labels: of each clip, indices into ``EMOTIONS``, int64, shape (n,).
    """

    actors: tuple[int, ...]
    scores: tuple[npt.NDArray[np.float32], ...]
    labels: npt.NDArray[np.int64]


def folds_of(actors: Sequence[int], count: int) -> list[tuple[int, ...]]:
    """Deal actors into ``count`` folds of neighbours; men are odd, so each has both sexes.

    Raises:
        ValueError: there are fewer actors than folds, or fewer than two folds.
    """
    ordered = sorted(set(actors))
    if not 2 <= count <= len(ordered):
        raise ValueError(f"{count} folds of {len(ordered)} actors: at least 2, and an actor each")
    edges = [round(fold * len(ordered) / count) for fold in range(count + 1)]
    return [tuple(ordered[a:b]) for a, b in pairwise(edges)]


def score(network: VoiceNetwork, clips: Sequence[Utterance]) -> Fold:
    """Ask a trained network by what the server would hear; exported, but not in 8 bits."""
    import numpy as np
    import torch

    from eval.windows import window_scores
    from models.export import export_onnx, free_axes_of
    from models.runtime import OnnxNetwork
    from models.voice.corpora import read_speech
    from models.voice.features import SILENCE_RMS, Mfcc
    from models.voice.predictor import VoicePredictor

    exported = export_onnx(network, torch.randn(1, 101, 40), free_axes_of(network))
    predictor = VoicePredictor(OnnxNetwork(exported), range(7), Mfcc(), temperature=1.0)
    return Fold(
        tuple(sorted({int(clip.speaker) for clip in clips})),
        tuple(window_scores(read_speech(clip.path), predictor, SILENCE_RMS) for clip in clips),
        np.array([clip.label for clip in clips], np.int64),
    )


def calibrated(folds: Sequence[Fold]) -> list[npt.NDArray[np.float32]]:
    """Return each fold's clip scores, (n, 7), by a calibration fitted on the other folds."""
    import numpy as np

    from eval.calibrate import fit_voice, sharpened
    from models.smoothing import pooled

    result = []
    for fold in folds:
        others = [other for other in folds if other is not fold]
        fitted = fit_voice(
            [windows for other in others for windows in other.scores],
            np.concatenate([other.labels for other in others]),
        )
        honest = [sharpened(windows, fitted.exponent) for windows in fold.scores]
        result.append(np.stack([pooled(windows, fitted.gain) for windows in honest]))
    return result


@dataclass(frozen=True)
class Row:
    """Figures of one fold, or over all: shares in [0, 1]; ``ece`` only over all."""

    fold: str
    clips: int
    top1: float
    top5: float
    balanced: float
    window_top1: float
    ece: float | None = None


def rows_of(folds: Sequence[Fold]) -> list[Row]:
    """Return a row for each fold, then the mean and the standard deviation of all."""
    import numpy as np

    from eval.metrics import accuracy, expected_calibration_error

    by_clip = calibrated(folds)
    rows = []
    for fold, scores in zip(folds, by_clip, strict=True):
        lengths = [len(windows) for windows in fold.scores]
        window = accuracy(np.concatenate(fold.scores), np.repeat(fold.labels, lengths))
        clip = accuracy(scores, fold.labels)
        name = " ".join(map(str, fold.actors))
        rows.append(Row(name, clip.n, clip.top1, clip.top5, clip.balanced, window.top1))
    shares = np.array([[row.top1, row.top5, row.balanced, row.window_top1] for row in rows])
    labels = np.concatenate([fold.labels for fold in folds])
    ece = expected_calibration_error(np.concatenate(by_clip), labels)
    mean = Row("mean", len(labels), *shares.mean(axis=0).tolist())
    deviation = Row("standard deviation", len(labels), *shares.std(axis=0, ddof=1).tolist())
    return [*rows, replace(mean, ece=ece), deviation]


def main(argv: Sequence[str] | None = None) -> int:
    """Train and score every fold; print the table and, where asked, write it."""
    limit_threads_or_exit()
    from soundfile import LibsndfileError

    from eval.datasets import RAVDESS_GUIDE
    from eval.results import write_rows
    from models.training import CheckpointError
    from models.voice import corpora
    from models.voice.clips import load_clips
    from models.voice.recipe import VoiceTraining
    from models.voice.train import train

    parser = CommandParser(prog="eval.crossvalidate", description=__doc__)
    corpora.add_corpus_flags(parser)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=VoiceTraining.steps)
    parser.add_argument("--checkpoints", type=Path, default=Path("runs"), help="resumed from")
    parser.add_argument("--csv", type=file_to_write, help="write the table here")
    given = parser.parse_args(argv)

    spoken, others = corpora.utterances_named_by(given)
    recipe = VoiceTraining(steps=given.steps)
    try:
        dealt = folds_of([int(clip.speaker) for clip in spoken], given.folds)
    except ValueError as error:
        print(f"error: {error}. {RAVDESS_GUIDE}", file=sys.stderr)
        return 2
    folds = []
    try:
        loaded = load_clips([*spoken, *others], recipe.seed)
        for actors in dealt:
            unheard = {("ravdess", str(actor)) for actor in actors}
            print(f"fold of actors {', '.join(map(str, actors))}", file=sys.stderr)
            network = train(
                recipe,
                [clip for clip in loaded if (clip.corpus, clip.speaker) not in unheard],
                [clip for clip in loaded if (clip.corpus, clip.speaker) in unheard],
                given.checkpoints / f"voice_without_{actors[0]}_to_{actors[-1]}.pt",
            )
            folds.append(score(network, [clip for clip in spoken if int(clip.speaker) in actors]))
    except (CheckpointError, OSError, ValueError, LibsndfileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    rows = rows_of(folds)
    for row in map(asdict, rows):
        shares = "  ".join(f"{k} {v:.1%}" for k, v in row.items() if isinstance(v, float))
        print(f"{row['fold']:20} n {row['clips']}  {shares}")
    if given.csv:
        write_rows(given.csv, [asdict(row) for row in rows])
    return 0


if __name__ == "__main__":
    sys.exit(main())
