"""What an evaluation is made of, and the flags and environment names that set it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from models.command_line import from_environment, integer

# Where test data are looked for when no folder is named.
RAVDESS_FOLDER = Path("data/ravdess")
FER_FOLDER = Path("data/fer2013")


@dataclass(frozen=True)
class EvalConfig:
    """How much to evaluate, and on what.

    Attributes:
        ravdess_root: folder of RAVDESS speech with its ``Actor_NN`` folders; None takes
            ``RAVDESS_FOLDER`` where that is there.
        fer_test_root: folder with the seven class folders of FER-2013's test split, or one that
            holds them in ``test/``; None takes ``FER_FOLDER`` where that is there.
        max_per_class: pictures and clips drawn per class; 0 takes all.
        fused_samples_per_class: pairs of a clip and a picture of the same class, per class.
        batch_pictures: given to the face network at a time.
        seed: of the draw.
    """

    ravdess_root: Path | None = None
    fer_test_root: Path | None = None
    max_per_class: int = 20
    fused_samples_per_class: int = 20
    batch_pictures: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_per_class < 0 or self.fused_samples_per_class < 0:
            raise ValueError("samples per class must be 0 (all) or more")
        if self.batch_pictures < 1:
            raise ValueError("a batch needs at least 1 picture")


def add_evaluation_flags(parser: argparse.ArgumentParser, *, face: bool = True) -> None:
    """Add the flags of an evaluation; each takes its default from the environment.

    Args:
        parser: to which they are added.
        face: whether pictures are evaluated, and not the voice alone.
    """
    group = parser.add_argument_group("evaluation")
    _add_voice_flags(group.add_argument)
    if face:
        _add_face_flags(group.add_argument)


def evaluation_from(arguments: argparse.Namespace) -> EvalConfig:
    """Build the configuration from parsed flags, which have checked their numbers."""
    # Each flag is kept under the name of the field that it sets.
    names = [field.name for field in fields(EvalConfig)]
    return EvalConfig(**{name: getattr(arguments, name) for name in names if name in arguments})


def _add_voice_flags(add: Callable[..., argparse.Action]) -> None:
    add(
        "--ravdess-root",
        "--ravdess",
        type=Path,
        metavar="FOLDER",
        default=from_environment("RAVDESS_ROOT", None),
        help="RAVDESS speech, the folder that holds Actor_NN folders "
        f"[RAVDESS_ROOT; default {RAVDESS_FOLDER}]",
    )
    add(
        "--eval-max-per-class",
        dest="max_per_class",
        type=integer(0, why="0 takes all"),
        metavar="N",
        default=from_environment("EVAL_MAX_PER_CLASS", EvalConfig.max_per_class),
        help="clips and pictures per class, 0 for all [EVAL_MAX_PER_CLASS; default %(default)s]",
    )


def _add_face_flags(add: Callable[..., argparse.Action]) -> None:
    add(
        "--eval-batch-windows",
        dest="batch_pictures",
        type=integer(1),
        metavar="N",
        default=from_environment("EVAL_BATCH_WINDOWS", EvalConfig.batch_pictures),
        help="pictures given to the network at a time [EVAL_BATCH_WINDOWS; default %(default)s]",
    )
    add(
        "--fer-test-root",
        "--fer",
        type=Path,
        metavar="FOLDER",
        default=from_environment("FER_TEST_ROOT", None),
        help="FER-2013 test pictures, the folder that holds the seven class folders, or one "
        f"that holds them in test/ [FER_TEST_ROOT; default {FER_FOLDER}]",
    )
    add(
        "--fused-samples-per-class",
        type=integer(0, why="0 takes all"),
        metavar="N",
        default=from_environment("FUSED_SAMPLES_PER_CLASS", EvalConfig.fused_samples_per_class),
        help="clip and picture pairs per class [FUSED_SAMPLES_PER_CLASS; default %(default)s]",
    )
