"""The benchmark's results for people and programs: a table, JSON, a plot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from matplotlib.figure import Figure

from eval.bench.measure import MOST_AGE_P95_MS, MOST_INTERVAL_P95_MS, Level
from eval.figures import png_of
from eval.results import machine

_COLUMNS = (
    "peers", "results/s", "slowest Hz", "interval p50", "p95", "max", "age p50", "p95",
    "sound p95", "lag p99", "pictures/s", "server", "MB", "peers'", "drops", "holds",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """All levels of one run of a case, in the order they were tried, and its capacity.

    Attributes:
        set_up_ms: median over all peers, from before the offer is made until the answer is applied.
    """

    case: str
    number: int
    capacity: int
    ready_s: float
    idle_mb: float
    set_up_ms: float
    levels: tuple[Level, ...]


def heading() -> str:
    """Return the table's first line; times are in ms, ``server`` and ``peers'`` in cores."""
    return "  ".join(f"{name:>{_width(name)}}" for name in _COLUMNS)


def line(level: Level) -> str:
    """Return a level as a line of the table."""
    cost = level.cost
    values = (
        f"{level.peers}", f"{level.results_per_s:.1f}", f"{level.slowest_hz:.2f}",
        f"{level.interval_p50_ms:.0f}", f"{level.interval_p95_ms:.0f}",
        f"{level.interval_max_ms:.0f}", f"{level.age_p50_ms:.0f}", f"{level.age_p95_ms:.0f}",
        f"{level.sound_age_p95_ms:.0f}", f"{cost.loop_lag_p99_ms:.0f}",
        f"{cost.pictures_per_s:.0f}", f"{cost.server_cores:.2f}", f"{cost.server_mb:.0f}",
        f"{cost.peers_cores:.2f}", f"{cost.drops}", "yes" if level.holds else "no",
    )  # fmt: skip
    return "  ".join(
        f"{value:>{_width(name)}}" for name, value in zip(_COLUMNS, values, strict=True)
    )


def write_json(path: Path, runs: Sequence[Run]) -> None:
    """Write everything that was measured, and on what machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine(), "runs": [asdict(run) for run in runs]}
    path.write_text(json.dumps(document, indent=1, allow_nan=True) + "\n", encoding="utf-8")


def write_plot(path: Path, runs: Sequence[Run]) -> None:
    """Draw interval and age against the number of peers, and the limits that it must keep."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    interval, age = figure.subplots(1, 2)
    cases = list(dict.fromkeys(run.case for run in runs))
    for axes, name, limit in (
        (interval, "interval_p95_ms", MOST_INTERVAL_P95_MS),
        (age, "age_p95_ms", MOST_AGE_P95_MS),
    ):
        for run in runs:
            levels = sorted(run.levels, key=lambda level: level.peers)
            axes.plot(
                [level.peers for level in levels],
                [getattr(level, name) for level in levels],
                color=f"C{cases.index(run.case)}",
                marker="o",
                markersize=3,
                linewidth=0.8,
                label=run.case if run.number == 1 else None,
            )
        axes.axhline(limit, color="black", linewidth=0.8, linestyle="--")
        axes.set(xlabel="peers", ylabel=name.removesuffix("_ms").replace("_", " ") + " (ms)")
        axes.set(ylim=(0, None))
        axes.grid(alpha=0.3)
    interval.legend(fontsize="small", frameon=False, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png_of(figure))


def _width(name: str) -> int:
    return max(5, len(name))
