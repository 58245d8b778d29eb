"""The table of ``eval.opus``: clips as recorded and as received, measured and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eval.metrics import accuracy, pigeonhole_interval


@dataclass(frozen=True)
class Compared:
    """What the network said of the same clips twice.

    Attributes:
        recorded: scores of the clips as they are, float32, shape (n, 7).
        received: the same of the clips after Opus.
        labels: indices into ``EMOTIONS``, int64, shape (n,).
        lost_packets: of 20 ms, of all clips together.
    """

    recorded: npt.NDArray[np.float32]
    received: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    lost_packets: int


@dataclass(frozen=True)
class Row:
    """Figures of one version of the clips; shares in [0, 1].

    Attributes:
        sound: which version.
        top1, top5, balanced, n: see ``eval.metrics``.
        gain: top-1 above that of the clips as recorded; None for these themselves, as below.
        gain_low, gain_high: its 95 % interval.
        lost_packets: of 20 ms.
    """

    sound: str
    top1: float
    top5: float
    balanced: float
    n: int
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    lost_packets: int | None = None


def rows_of(compared: Compared, seed: int) -> list[Row]:
    """Return a row for each version; ``seed`` is of the resampling for the interval."""
    labels = compared.labels
    before, after = (accuracy(s, labels) for s in (compared.recorded, compared.received))
    gain = (compared.received.argmax(axis=1) == labels).astype(np.int64)
    gain -= compared.recorded.argmax(axis=1) == labels
    # Clips are drawn anew, both versions together, so that what makes a clip hard cancels.
    low, high = pigeonhole_interval(gain, np.arange(len(gain))[:, None], seed)
    return [
        Row("as recorded", before.top1, before.top5, before.balanced, before.n),
        Row(
            sound="through Opus",
            top1=after.top1,
            top5=after.top5,
            balanced=after.balanced,
            n=after.n,
            gain=float(gain.mean()),
            gain_low=low,
            gain_high=high,
            lost_packets=compared.lost_packets,
        ),
    ]


def lines(rows: Sequence[Row]) -> list[str]:
    """Return the rows as text, with a last line on what lies between them."""
    text = [
        f"{row.sound:12}  top-1 {row.top1:6.1%}  top-5 {row.top5:6.1%}  "
        f"balanced {row.balanced:6.1%}  n {row.n}"
        for row in rows
    ]
    differences = [
        f"difference    {100 * row.gain:+.1f} points of top-1 (95 %: {100 * row.gain_low:+.1f} to "
        f"{100 * row.gain_high:+.1f}), {row.lost_packets} packets lost"
        for row in rows
        if row.gain is not None and row.gain_low is not None and row.gain_high is not None
    ]
    return text + differences
