"""Draw figures as PNG: confusion matrices and reliability diagrams, and whatever else is drawn."""

from __future__ import annotations

import io
import warnings

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from eval.metrics import Reliability
from models.emotions import EMOTIONS

_DPI = 110


def confusion_png(matrix: npt.NDArray[np.int64]) -> bytes:
    """Draw a confusion matrix, shape (7, 7), labels down and answers across, as shares of a row."""
    rows = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, rows, out=np.zeros(matrix.shape), where=rows > 0)
    figure = Figure(figsize=(5.2, 4.7), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(EMOTIONS))
    axes.set_xticks(ticks, [str(emotion) for emotion in EMOTIONS], rotation=45, ha="right")
    axes.set_yticks(ticks, [f"{e} ({n})" for e, n in zip(EMOTIONS, rows[:, 0], strict=True)])
    axes.set_xlabel("most probable")
    axes.set_ylabel("label (how many)")
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > 0.6 else "black"
        axes.text(column, row, f"{share:.0%}", ha="center", va="center", color=colour, fontsize=9)
    return png_of(figure)


def reliability_png(found: Reliability, ece: float) -> bytes:
    """Draw how often each bin of confidence was right, and how many fell into it."""
    bins = len(found.counts)
    middles = (np.arange(bins) + 0.5) / bins
    figure = Figure(figsize=(4.4, 4.7), layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    upper.bar(middles, np.nan_to_num(found.hits), 0.94 / bins, color="#4878a8", label="right")
    upper.plot([0, 1], [0, 1], "--", color="0.4", linewidth=1, label="as sure as right")
    upper.plot(found.confidence, found.hits, "o", color="#b03a2e", markersize=3, label="bin mean")
    upper.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="share that is right", title=f"ECE {ece:.3f}")
    upper.legend(loc="upper left", fontsize=8)
    lower.bar(middles, found.counts, 0.94 / bins, color="0.6")
    lower.set(xlabel="probability of the most probable", ylabel="how many")
    return png_of(figure)


def png_of(figure: Figure) -> bytes:
    """Render without pyplot, which would keep every figure and choose a screen."""
    target = io.BytesIO()
    FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        # A file may be named in letters that the font lacks; the picture says all else.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure.savefig(target, format="png", dpi=_DPI)
    return target.getvalue()
