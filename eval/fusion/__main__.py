"""Ways of fusing voice and face, compared where both are well, noisy, unsure, or missing.

``python -m eval.fusion --ravdess FOLDER --fer FOLDER [--media FOLDER] [--csv FILE]``

Pairs of a clip and a picture of the same emotion, from actors and pictures of no training. What a
rule learns, it learns on one half of the actors and pictures, under all conditions in which both
sides have evidence, and it is tried on the other half.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from eval.config import EvalConfig, add_evaluation_flags, evaluation_from
from models.command_line import CommandParser, file_to_write, from_environment
from models.threads import limit_threads_or_exit

if TYPE_CHECKING:
    from eval.fusion.table import Row
    from models.loading import LoadedModels

# Imports that load numpy stand inside the functions: threads must be limited before.

_PAIRS_PER_CLASS = 200  # in each half; more would only repeat the same clips


def compare(config: EvalConfig, models: LoadedModels, media: Path | None) -> list[Row]:
    """Try every rule under every condition.

    Args:
        config: where RAVDESS and FER-2013 are and how much to draw; pairs are per class and half.
        models: whose voice and face networks are asked.
        media: a folder of recordings whose names begin with an emotion, or None.

    Raises:
        eval.datasets.DataError: RAVDESS or FER-2013 is missing, or too small to be halved.
    """
    from eval.fusion.cases import by_certainty, face_side, pair_cases, voice_side, without_one_side
    from eval.fusion.clips import clip_cases
    from eval.fusion.rules import RULES, fitted
    from eval.fusion.table import rows_of

    voice, face = voice_side(config, models), face_side(config, models)
    for broken, what in ((voice.broken, "clips"), (face.broken, "pictures")):
        if broken:
            print(f"{broken} {what} could not be read and are left out", file=sys.stderr)
    learned_on = pair_cases(voice, face, config.fused_samples_per_class, config.seed)
    clean = learned_on[0]
    cases = [*learned_on, *without_one_side(clean), *by_certainty(clean)]
    if media is not None:
        cases += asyncio.run(clip_cases(media, models, config.seed))
    parameters = {
        rule.name: {half: fitted(rule, learned_on, half) for half in (0, 1, -1)} for rule in RULES
    }
    return [row for case in cases for row in rows_of(case, parameters, config.seed)]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; return 2 when there is no data for it."""
    limit_threads_or_exit()
    from eval.datasets import DataError
    from eval.fusion.table import lines
    from eval.results import write_rows
    from models.loading import ModelConfig, load_models
    from models.runtime import DeviceError
    from models.weights import WeightsError

    parser = _parser()
    given = parser.parse_args(argv)
    config = evaluation_from(given)
    if given.media is not None and not given.media.is_dir():
        parser.error(f"{given.media} is no folder")
    try:
        models = load_models(ModelConfig(face_model="embedded"))
        rows = compare(config, models, given.media)
    except (DeviceError, WeightsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines(rows)))
    if given.csv is not None:
        write_rows(given.csv, [asdict(row) for row in rows])
    return 0


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="eval.fusion",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_evaluation_flags(parser)
    # A sample would not tell the rules apart.
    parser.set_defaults(
        max_per_class=from_environment("EVAL_MAX_PER_CLASS", 0),
        fused_samples_per_class=from_environment("FUSED_SAMPLES_PER_CLASS", _PAIRS_PER_CLASS),
    )
    parser.add_argument(
        "--media",
        type=Path,
        metavar="FOLDER",
        help="recordings of people's voices and faces, named as in happy_woman.mp4",
    )
    parser.add_argument(
        "--csv", type=file_to_write, metavar="FILE", help="also write the table there"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
