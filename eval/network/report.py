"""The table of ``eval.network``: as text, JSON and rows for CSV."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from eval.network.cases import CASES
from eval.network.measure import Figures, worst_of
from eval.results import machine

_COLUMNS = (
    "set-up", "results/s", "pause", "voice's", "face's", "voice back", "face back", "both", "holds",
)  # fmt: skip
_NAME = max(len(case.title) for case in CASES.values())


@dataclass(frozen=True)
class Run:
    """What the people of one case got, each with a seed of their own, from ``seed`` on."""

    case: str
    seed: int
    seconds: float
    people: tuple[Figures, ...]

    @property
    def worst(self) -> Figures:
        """The worst of each figure."""
        return worst_of(self.people)

    @property
    def holds(self) -> bool:
        """Whether all people were served as they should be.

        Where packets are lost from the start, how old results are is not known: times of media are
        counted from the first that arrived.
        """
        return self.worst.is_set_up if CASES[self.case].from_start else self.worst.holds


def heading() -> str:
    """Return the table's first line; times are in seconds."""
    return "  ".join([" " * _NAME, *_COLUMNS])


def line(run: Run) -> str:
    """Return a case as a line of the table."""
    worst = run.worst
    times = (worst.pause_s, worst.voice_pause_s, worst.face_pause_s)
    values = (
        _seconds(worst.set_up_s), f"{worst.results_per_s:.2f}", *map(_seconds, times),
        _seconds(worst.voice_back_s), _seconds(worst.face_back_s), f"{worst.both_share:.0%}",
        "yes" if run.holds else "no",
    )  # fmt: skip
    cells = [f"{value:>{len(name)}}" for value, name in zip(values, _COLUMNS, strict=True)]
    return "  ".join([f"{CASES[run.case].title:<{_NAME}}", *cells])


def rows_of(runs: Sequence[Run]) -> list[dict[str, object]]:
    """Return a row for each case: the worst of each figure, and whether it holds."""
    return [
        {
            "case": run.case,
            "network": CASES[run.case].title,
            "people": len(run.people),
            "seed": run.seed,
            "seconds": run.seconds,
            **asdict(run.worst),
            "holds": run.holds,
        }
        for run in runs
    ]


def write_json(path: Path, runs: Sequence[Run]) -> None:
    """Write what everybody got, and on what machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cases = {run.case: asdict(CASES[run.case]) for run in runs}
    document = {"machine": machine(), "cases": cases, "runs": [asdict(run) for run in runs]}
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f}"
