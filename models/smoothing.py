"""Short averages: the mean of the last scores of one modality, none older than its limit."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.emotions import Scores


@dataclass(frozen=True)
class SmoothingConfig:
    """How much of the past one modality remembers.

    Attributes:
        length: how many results are averaged at most, K >= 1.
        memory_s: results captured longer ago than this leave the average.
        hold_s: when even the newest result is older than this, there is no evidence at all.
    """

    length: int
    memory_s: float
    hold_s: float

    def __post_init__(self) -> None:
        if self.length < 1:
            raise ValueError(f"the smoothing length must be at least 1, not {self.length}")
        if not 0 < self.hold_s <= self.memory_s:
            raise ValueError("hold_s must be above 0 and not above memory_s")


def pooled(results: npt.NDArray[np.float32], gain: float) -> Scores:
    """Return the mean of results, raised to the power ``1 + gain * (1 - 1 / n)`` and normalised.

    Where results err independently, many that agree are surer than one, which their mean does not
    say; the power does, and changes no order. For one result, or a gain of 0, it is the mean.

    Args:
        results: probabilities of each, shape (n, 7), n at least 1.
        gain: 0 or more; of a network, fitted by ``eval.calibrate``.
    """
    mean: Scores = np.mean(results, axis=0, dtype=np.float32)
    power = 1 + gain * (1 - 1 / len(results))
    if power == 1:
        return mean
    raised: Scores = mean ** np.float32(power)
    raised /= raised.sum()
    return raised


class MovingAverage:
    """Averages scores by arrival; the clock is the caller's.

    Invariant: results are held in the order of their capture times, newest last.
    """

    def __init__(self, config: SmoothingConfig, gain: float = 0.0) -> None:
        """Remember as ``config`` says; ``gain`` is that of ``pooled``."""
        self._config = config
        self._gain = gain
        self._results: deque[tuple[float, Scores]] = deque(maxlen=config.length)

    def add(self, scores: Scores, captured_at: float) -> None:
        """Take one result. One captured before the newest held comes too late and is dropped.

        After a gap longer than ``hold_s`` everything before is forgotten, so that a face that
        comes back, or another one, does not begin with what was there before.
        """
        if self._results and captured_at < self._results[-1][0]:
            return
        if self._results and captured_at - self._results[-1][0] > self._config.hold_s:
            self._results.clear()
        self._results.append((captured_at, scores))

    def configure(self, config: SmoothingConfig) -> None:
        """Go on with other limits. Of more results than are averaged now the newest stay."""
        self._config = config
        self._results = deque(self._results, maxlen=config.length)

    @property
    def newest_at(self) -> float | None:
        """The capture time of the newest result held, in seconds, or None."""
        return self._results[-1][0] if self._results else None

    def mean(self, now: float) -> Scores | None:
        """Return the average at ``now`` (seconds), or None when there is no evidence."""
        if not self._results or now - self._results[-1][0] > self._config.hold_s:
            return None
        recent = [s for at, s in self._results if now - at <= self._config.memory_s]
        return pooled(np.stack(recent), self._gain)
