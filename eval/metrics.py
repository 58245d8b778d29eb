"""How often scores are right, how sure one can be of that, and whether they are rightly sure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.emotions import EMOTIONS

_Z95 = 1.959964
_RESAMPLES = 1000


@dataclass(frozen=True)
class Accuracy:
    """Shares in [0, 1].

    Attributes:
        top1: the label is the most probable emotion.
        top5: the label is among the five most probable.
        balanced: mean of the classes' own top-1, each class counting the same.
        ece: expected calibration error in 15 bins, see ``expected_calibration_error``.
        n: how many were scored.
        ci95: 95 % interval of ``top1``, see ``share_interval``.
    """

    top1: float
    top5: float
    balanced: float
    ece: float
    n: int
    ci95: tuple[float, float]


@dataclass(frozen=True)
class Reliability:
    """How sure a network was and how often it was right, by bins of confidence of equal width.

    Attributes:
        confidence: mean probability of the most probable emotion, float64, shape (bins,); NaN
            where a bin is empty.
        hits: share that was right, the same.
        counts: how many fell into each bin, int64, shape (bins,).
    """

    confidence: npt.NDArray[np.float64]
    hits: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]


def accuracy(
    scores: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    parts: npt.NDArray[np.int64] | None = None,
) -> Accuracy:
    """Compare scores with labels.

    Args:
        scores: probabilities, float32, shape (n, 7); n must not be 0.
        labels: indices into ``EMOTIONS``, int64, shape (n,).
        parts: as ``pigeonhole_interval`` takes them, where rows share parts.
    """
    ranked = np.argsort(-scores, axis=1, kind="stable")
    hits = ranked[:, 0] == labels
    among_five = (ranked[:, :5] == labels[:, None]).any(axis=1)
    return Accuracy(
        float(hits.mean()),
        float(among_five.mean()),
        float(np.nanmean(recall_per_class(scores, labels))),
        expected_calibration_error(scores, labels),
        len(labels),
        share_interval(hits, parts),
    )


def confusion_matrix(
    scores: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Count labels (rows) by the most probable emotion (columns): int64, shape (7, 7)."""
    matrix = np.zeros((len(EMOTIONS), len(EMOTIONS)), np.int64)
    np.add.at(matrix, (labels, scores.argmax(axis=1)), 1)
    return matrix


def recall_per_class(
    scores: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return each class's own top-1, float64, shape (7,); NaN where a label does not occur."""
    matrix = confusion_matrix(scores, labels)
    occur = matrix.sum(axis=1)
    recalls = np.full(len(EMOTIONS), np.nan)
    return np.divide(np.diagonal(matrix), occur, out=recalls, where=occur > 0)


def reliability(
    scores: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], bins: int = 15
) -> Reliability:
    """Sort scores, shape (n, 7), into bins of confidence; an upper edge belongs to its bin."""
    confidence = scores.max(axis=1).astype(np.float64)
    hit = scores.argmax(axis=1) == labels
    bin_of = np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1], right=True)
    counts = np.bincount(bin_of, minlength=bins)
    means = [
        np.divide(
            np.bincount(bin_of, weights=values, minlength=bins),
            counts,
            out=np.full(bins, np.nan),
            where=counts > 0,
        )
        for values in (confidence, hit)
    ]
    return Reliability(means[0], means[1], counts.astype(np.int64))


def expected_calibration_error(
    scores: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], bins: int = 15
) -> float:
    """Return the mean distance, in [0, 1], between confidence and the share that is right.

    Of the most probable emotion, in bins of equal width, each weighing as many as it holds
    (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017).

    Args:
        scores: probabilities, float32, shape (n, 7); n must not be 0.
        labels: indices into ``EMOTIONS``, int64, shape (n,).
        bins: of confidence.
    """
    found = reliability(scores, labels, bins)
    filled = found.counts > 0
    gaps = np.abs(found.hits - found.confidence)[filled]
    return float(np.average(gaps, weights=found.counts[filled]))


def share_interval(
    hits: npt.NDArray[np.bool_], parts: npt.NDArray[np.int64] | None = None
) -> tuple[float, float]:
    """Return the 95 % interval of the share of ``hits``, shape (n,), within [0, 1].

    Wilson's, where each row was drawn by itself. Rows that share parts say less than as many that
    do not: theirs is the pigeonhole bootstrap's, and no narrower than Wilson's, as no resampling
    finds the errors that a small sample happens to lack.

    Args:
        hits: what was right; n must not be 0.
        parts: as ``pigeonhole_interval`` takes them, where rows share parts.
    """
    low, high = wilson(int(hits.sum()), len(hits))
    if parts is None:
        return low, high
    drawn_low, drawn_high = pigeonhole_interval(hits, parts)
    return min(low, drawn_low), max(high, drawn_high)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of ``hits`` in ``n``, within [0, 1]."""
    share = hits / n
    spread = 1 + _Z95**2 / n
    centre = (share + _Z95**2 / (2 * n)) / spread
    reach = _Z95 * np.sqrt(share * (1 - share) / n + _Z95**2 / (4 * n**2)) / spread
    return max(0.0, float(centre - reach)), min(1.0, float(centre + reach))


def pigeonhole_interval(
    values: npt.NDArray[np.bool_ | np.int64], parts: npt.NDArray[np.int64], seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % interval of the mean of values whose rows share parts.

    The parts are drawn anew, each kind by itself, and a row counts as often as all of its parts
    were drawn (the pigeonhole bootstrap, Owen, Annals of Applied Statistics 2007). Actors other
    than those who spoke would vary more.

    Args:
        values: shape (n,).
        parts: which clip, which picture and so on each row is made of, int64, shape (n, kinds).
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    kinds = [np.unique(kind, return_inverse=True) for kind in parts.T]
    means = []
    for _ in range(_RESAMPLES):
        count = np.ones(len(values), np.int64)
        for distinct, position in kinds:
            drawn = rng.integers(0, len(distinct), len(distinct))
            count *= np.bincount(drawn, minlength=len(distinct))[position]
        if count.any():
            means.append(np.average(values.astype(np.float64), weights=count))
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
