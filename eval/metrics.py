"""How often scores are right, and how sure one can be of that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_Z95 = 1.959964


@dataclass(frozen=True)
class Accuracy:
    """Shares in [0, 1].

    Attributes:
        top1: the label is the most probable emotion.
        top5: the label is among the five most probable.
        balanced: mean of the classes' own top-1, each class counting the same.
        n: how many were scored.
        ci95: 95 % interval of ``top1`` (Wilson 1927).
    """

    top1: float
    top5: float
    balanced: float
    n: int
    ci95: tuple[float, float]


def accuracy(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> Accuracy:
    """Compare scores, shape (n, 7), with labels, indices of shape (n,); n must not be 0."""
    ranked = np.argsort(-scores, axis=1)
    hits = ranked[:, 0] == labels
    among_five = (ranked[:, :5] == labels[:, None]).any(axis=1)
    recalls = [hits[labels == label].mean() for label in np.unique(labels)]
    return Accuracy(
        float(hits.mean()),
        float(among_five.mean()),
        float(np.mean(recalls)),
        len(labels),
        wilson(int(hits.sum()), len(labels)),
    )


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of ``hits`` in ``n``, within [0, 1]."""
    share = hits / n
    spread = 1 + _Z95**2 / n
    centre = (share + _Z95**2 / (2 * n)) / spread
    reach = _Z95 * np.sqrt(share * (1 - share) / n + _Z95**2 / (4 * n**2)) / spread
    return max(0.0, float(centre - reach)), min(1.0, float(centre + reach))
