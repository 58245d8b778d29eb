"""Accuracies of the served networks on people and pictures that training never saw.

``python -m eval.quick --ravdess FOLDER --fer FOLDER``
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eval.config import EvalConfig, add_evaluation_flags, evaluation_from
from models.threads import SystemLibraryError, limit_threads

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from eval.metrics import Accuracy
    from models.fusion import FusionConfig
    from models.loading import LoadedModels

# Imports that load numpy stand inside the functions: threads must be limited before.


@dataclass(frozen=True)
class Outcome:
    """One modality: what was measured, or why it could not be."""

    modality: str
    accuracy: Accuracy | None
    protocol: str


@dataclass(frozen=True)
class _Scored:
    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]


def evaluate(
    config: EvalConfig, models: LoadedModels, fusion: FusionConfig, silence_rms: float
) -> list[Outcome]:
    """Measure voice, face and fused, each where its data is, with the settings that are served."""
    from eval.metrics import accuracy

    voice, voice_protocol = _voice(config, models, silence_rms)
    face, face_protocol = _face(config, models)
    outcomes = [
        Outcome("voice", accuracy(voice.scores, voice.labels) if voice else None, voice_protocol),
        Outcome("face", accuracy(face.scores, face.labels) if face else None, face_protocol),
    ]
    if voice and face:
        fused = _paired(voice, face, config, fusion)
        protocol = (
            f"w_voice {fusion.w_voice}, seeded pairs of a clip and a picture of one class, as above"
        )
        if len(fused.labels):
            outcomes.append(Outcome("fused", accuracy(fused.scores, fused.labels), protocol))
            return outcomes
    return [*outcomes, Outcome("fused", None, "needs both voice and face of one class")]


def lines(outcomes: Sequence[Outcome]) -> list[str]:
    """Return one line of text for each outcome."""
    text = []
    for outcome in outcomes:
        if (a := outcome.accuracy) is None:
            text.append(f"{outcome.modality:5}  not measured: {outcome.protocol}")
            continue
        low, high = a.ci95
        text.append(
            f"{outcome.modality:5}  top-1 {a.top1:6.1%} (95 %: {low:.1%} to {high:.1%})  "
            f"top-5 {a.top5:6.1%}  balanced {a.balanced:6.1%}  n {a.n}  ({outcome.protocol})"
        )
    return text


def _voice(
    config: EvalConfig, models: LoadedModels, silence_rms: float
) -> tuple[_Scored | None, str]:
    import numpy as np

    from eval.datasets import DataError, voice_test
    from eval.windows import clip_scores
    from models.loading import VOICE
    from models.weights import read_manifest

    if config.ravdess_root is None:
        return None, "no folder; name one with --ravdess or RAVDESS_ROOT"
    trained_on = read_manifest()[VOICE].facts["ravdess_actors_trained_on"]
    try:
        test = voice_test(config.ravdess_root, trained_on, config.max_per_class, config.seed)
    except DataError as error:
        return None, str(error)
    scores = clip_scores(
        [clip.path for clip in test.clips], models.voice, config.batch_windows, silence_rms
    )
    heard = [row for row, score in enumerate(scores) if score is not None]
    if not heard:
        return None, f"none of {len(scores)} clips could be read"
    labels = np.array([test.clips[row].label for row in heard], np.int64)
    stacked = np.stack([score for score in scores if score is not None])
    actors = ", ".join(map(str, test.actors))
    return _Scored(stacked, labels), (
        f"RAVDESS clips, mean of 1 s windows, unseen actors {actors}; "
        f"those of training are left out{_unread(len(scores) - len(heard))}"
    )


def _face(config: EvalConfig, models: LoadedModels) -> tuple[_Scored | None, str]:
    import numpy as np

    from eval.datasets import DataError, face_test
    from eval.windows import picture_crop

    if config.fer_test_root is None:
        return None, "no folder; name one with --fer or FER_TEST_ROOT"
    try:
        test = face_test(config.fer_test_root, config.max_per_class, config.seed)
    except DataError as error:
        return None, str(error)
    if not len(test):
        return None, f"none of {len(test.broken)} pictures could be read"
    crops = [picture_crop(image, models.classifier.input) for image in test.images]
    scores: list[npt.NDArray[np.float32]] = []
    for start in range(0, len(crops), config.batch_windows):
        scores += models.classifier.classify(crops[start : start + config.batch_windows])
    return _Scored(np.stack(scores), test.labels), (
        f"FER-2013 test pictures as they are, no detector{_unread(len(test.broken))}"
    )


def _paired(voice: _Scored, face: _Scored, config: EvalConfig, fusion: FusionConfig) -> _Scored:
    """Fuse clips with pictures of the same class: nobody recorded both for these data sets."""
    import numpy as np

    from models.emotions import EMOTIONS
    from models.fusion import fuse

    rng = np.random.default_rng(config.seed)
    scores, labels = [], []
    for label in range(len(EMOTIONS)):
        spoken = np.flatnonzero(voice.labels == label)
        shown = np.flatnonzero(face.labels == label)
        if not len(spoken) or not len(shown):
            continue
        count = config.fused_samples_per_class or max(len(spoken), len(shown))
        for _ in range(count):
            pair = voice.scores[rng.choice(spoken)], face.scores[rng.choice(shown)]
            scores.append(fuse(*pair, fusion))
            labels.append(label)
    return _Scored(np.array(scores, np.float32), np.array(labels, np.int64))


def _unread(count: int) -> str:
    return f"; {count} could not be read" if count else ""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the accuracies; return 2 when there is no data at all."""
    try:
        limit_threads()
    except SystemLibraryError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    from models.fusion import FusionConfig
    from models.loading import ModelConfig, load_models
    from models.runtime import DeviceError
    from models.voice.features import SILENCE_RMS
    from models.weights import WeightsError

    parser = argparse.ArgumentParser(prog="eval.quick", description=__doc__)
    add_evaluation_flags(parser)
    parser.add_argument("--full", action="store_true", help="all clips and pictures, no sample")
    given = parser.parse_args(argv)
    if given.full:
        given.eval_max_per_class = given.fused_samples_per_class = 0
    try:
        config = evaluation_from(given)
    except ValueError as error:
        parser.error(str(error))
    try:
        models = load_models(ModelConfig(face_model="embedded"))
    except (DeviceError, WeightsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    outcomes = evaluate(config, models, FusionConfig(), SILENCE_RMS)
    for line in lines(outcomes):
        print(line)
    return 0 if any(outcome.accuracy for outcome in outcomes) else 2


if __name__ == "__main__":
    sys.exit(main())
