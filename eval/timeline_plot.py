"""Draw a timeline: voice, face and fused, one above the other, over the time of the recording."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eval.figures import png_of
from models.emotions import EMOTIONS

_COLOURS = ("#d62728", "#8c6d31", "#7b3fa0", "#e8a200", "#7f7f7f", "#1f77b4", "#17a589")


def _three_tracks() -> dict[str, array[float]]:
    return {track: array("f") for track in ("voice", "face", "fused")}


@dataclass(frozen=True)
class Curves:
    """What is drawn, as flat arrays of four bytes a number: a day of it takes 16 MB.

    Attributes:
        times_s: of each moment, rising.
        scores: by track, seven probabilities for each moment, not-a-number without evidence.
    """

    times_s: array[float] = field(default_factory=lambda: array("f"))
    scores: dict[str, array[float]] = field(default_factory=_three_tracks)


def timeline_png(title: str, curves: Curves, duration_s: float) -> bytes:
    """Draw each track's probabilities, and below them a band in the colour of the leading one.

    Where there is no evidence there is neither line nor band.
    """
    figure = Figure(figsize=(10, 6.4), layout="constrained")
    figure.suptitle(title, parse_math=False)
    times_s = np.array(curves.times_s)
    rows = figure.subplots(len(curves.scores), 1, sharex=True)
    for axes, (track, flat) in zip(rows, curves.scores.items(), strict=True):
        scores = np.array(flat).reshape(-1, len(EMOTIONS))
        _draw_track(axes, times_s, scores)
        axes.set(ylim=(-0.12, 1.02), ylabel=track, yticks=(0, 0.5, 1))
    rows[-1].set(xlim=(0, duration_s), xlabel="time (s)")
    figure.legend(*rows[0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    return png_of(figure)


def _draw_track(
    axes: Axes, times_s: npt.NDArray[np.float32], scores: npt.NDArray[np.float32]
) -> None:
    known = ~np.isnan(scores[:, 0])
    leading = np.where(known, np.nan_to_num(scores).argmax(axis=1), -1)
    marker = "o" if len(times_s) <= 120 else None  # a moment between two gaps has no line
    for index, (emotion, colour) in enumerate(zip(EMOTIONS, _COLOURS, strict=True)):
        axes.plot(
            times_s, scores[:, index], color=colour, label=str(emotion), marker=marker, markersize=3
        )
        led = leading == index
        # A moment speaks for the half second before it.
        starts_s = np.concatenate([[0.0], times_s[:-1]])[led]
        axes.broken_barh(
            list(zip(starts_s, times_s[led] - starts_s, strict=True)), (-0.1, 0.07), color=colour
        )
    axes.grid(alpha=0.3)
    if not known.any():
        axes.text(0.5, 0.5, "no evidence", transform=axes.transAxes, ha="center", va="center")
