"""Accuracies of the shipped networks on people and pictures that training never saw.

``python -m eval.quick --ravdess FOLDER --fer FOLDER``
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eval.config import EvalConfig, add_evaluation_flags, evaluation_from
from models.command_line import CommandParser, file_to_write, folder_to_write
from models.threads import limit_threads_or_exit

if TYPE_CHECKING:
    from eval.outcomes import Outcome

# Imports that load numpy stand inside the functions: threads must be limited before.

_EPILOG = """\
Exit code: 0 when something was measured; 2 when there is no data, or a named folder is not
there; 1 when more than 5 % of the files of a kind cannot be read, or the networks cannot be
loaded."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the accuracies; return the exit code that ``--help`` explains."""
    limit_threads_or_exit()
    from eval.outcomes import as_json, evaluate, lines, rows
    from eval.results import write_rows
    from models.fusion import FusionConfig
    from models.loading import ModelConfig, load_models
    from models.runtime import DeviceError
    from models.voice.features import SILENCE_RMS
    from models.weights import WeightsError

    given, config = _read_flags(argv)
    try:
        models = load_models(ModelConfig(face_model="embedded"))
    except (DeviceError, WeightsError) as error:
        return _failed(error)
    outcomes = evaluate(config, models, FusionConfig(), SILENCE_RMS)
    if given.json:
        print(json.dumps(as_json(outcomes)))
    measured = [outcome for outcome in outcomes if outcome.scored]
    for outcome, line in zip(outcomes, lines(outcomes), strict=True):
        if not given.json:
            print(line, flush=True)
        elif not outcome.scored:
            print(line, file=sys.stderr)
    if given.report and measured:
        from eval.report import write_report

        print(f"Report: {write_report(outcomes, given.report)}", file=sys.stderr)
    if given.csv and measured:
        write_rows(given.csv, rows(outcomes))
    return _explain(outcomes)


def _read_flags(argv: Sequence[str] | None) -> tuple[argparse.Namespace, EvalConfig]:
    parser = CommandParser(prog="eval.quick", description=__doc__, epilog=_EPILOG)
    add_evaluation_flags(parser)
    add = parser.add_argument
    add("--full", action="store_true", help="all clips and pictures, no sample")
    add("--json", action="store_true", help="print nothing but JSON on standard output")
    add(
        "--report",
        type=folder_to_write,
        metavar="FOLDER",
        help="write report.html and results.json into this folder",
    )
    add("--csv", type=file_to_write, metavar="FILE", help="write the figures with date and machine")
    given = parser.parse_args(argv)
    if given.full:
        given.max_per_class = given.fused_samples_per_class = 0
    for flag, root in (
        ("--ravdess or RAVDESS_ROOT", given.ravdess_root),
        ("--fer or FER_TEST_ROOT", given.fer_test_root),
    ):
        if root is not None and not root.is_dir():
            parser.error(f"{root}, named by {flag}, is no folder that is there")
    try:
        if given.report:
            given.report.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"no report can be written to {given.report}: {error.strerror}")
    return given, evaluation_from(given)


def _explain(outcomes: Sequence[Outcome]) -> int:
    """Say on standard error what is broken or missing; return the exit code."""
    from eval.datasets import FER_GUIDE, RAVDESS_GUIDE
    from eval.outcomes import warnings

    for line in warnings(outcomes):
        print(line, file=sys.stderr)
    guides = {"voice": RAVDESS_GUIDE, "face": FER_GUIDE}
    missing = [o for o in outcomes if o.modality in guides and not o.scored and not o.broken]
    if len(missing) == len(guides):
        print("error: there are no test data", file=sys.stderr)
    for outcome in missing:
        print(f"\n{guides[outcome.modality]}", file=sys.stderr)
    if any(outcome.too_broken for outcome in outcomes):
        return 1
    return 0 if any(outcome.scored for outcome in outcomes) else 2


def _failed(error: Exception) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
