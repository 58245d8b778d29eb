"""What a bad network does to packets: losses, delays and copies, the same for a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

_LATENESS_S = (0.03, 0.08)  # of a packet that others overtake


@dataclass(frozen=True)
class Impairment:
    """What happens to the packets of one direction, each independently of the others.

    Attributes:
        loss: share that never arrives, in [0, 1].
        reorder: share that comes 30 to 80 ms later than the others, so that these overtake it.
        duplicate: share that comes twice, the copy on its own way.
        delay_ms: how long every packet takes.
        jitter_ms: how much longer it may take; evenly spread, and without keeping the order.
    """

    loss: float = 0.0
    reorder: float = 0.0
    duplicate: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0

    def __post_init__(self) -> None:
        for name in ("loss", "reorder", "duplicate"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share, in [0, 1], not {getattr(self, name)}")
        if min(self.delay_ms, self.jitter_ms) < 0:
            raise ValueError("delay_ms and jitter_ms cannot be negative")


class Line:
    """One direction.

    Attributes:
        impairment: what happens to packets from now on.
    """

    def __init__(self, seed: int) -> None:
        """Harm nothing yet; with the same seed the same packets are harmed in the same way."""
        self.impairment = Impairment()
        self._chance = random.Random(seed)  # noqa: S311  nobody is to be kept from guessing it

    def arrivals_s(self) -> list[float]:
        """Return after how long the next packet arrives: once, not at all, or twice."""
        given = self.impairment
        # As many numbers for every packet, so that one kind of harm changes nothing of another.
        is_lost = self._chance.random() < given.loss
        is_double = self._chance.random() < given.duplicate
        ways_s = [self._way_s() for _ in range(2)]
        return [] if is_lost else ways_s[: 1 + is_double]

    def _way_s(self) -> float:
        given = self.impairment
        is_late = self._chance.random() < given.reorder
        lateness_s = self._chance.uniform(*_LATENESS_S)
        jitter_s = self._chance.random() * given.jitter_ms / 1000
        return given.delay_ms / 1000 + jitter_s + (lateness_s if is_late else 0.0)
