"""The networks that are tried."""

from __future__ import annotations

from dataclasses import dataclass, replace

from eval.network.impairment import Impairment

# A good line to a server of the same country: without any delay what is lost would be sent again
# sooner than anywhere but on one machine.
GOOD = Impairment(delay_ms=20)


@dataclass(frozen=True)
class Case:
    """One line of the table.

    Attributes:
        title: for people.
        impairment: what happens to packets of both directions while it lasts.
        lasts_s: how long.
        moves: whether the client's address changes when it begins.
        from_start: whether it begins before the connection is made.
    """

    title: str
    impairment: Impairment = GOOD
    lasts_s: float = 20.0
    moves: bool = False
    from_start: bool = False

    @property
    def is_cut(self) -> bool:
        """Whether nothing can pass, so that it counts what comes after it."""
        return self.moves or self.impairment.loss == 1


CASES = {
    "clean": Case("nothing"),
    "loss-1": Case("1 % lost", replace(GOOD, loss=0.01)),
    "loss-5": Case("5 % lost", replace(GOOD, loss=0.05)),
    "loss-20": Case("20 % lost", replace(GOOD, loss=0.2)),
    "loss-30": Case("30 % lost", replace(GOOD, loss=0.3)),
    "reorder": Case("10 % overtaken, 30 to 80 ms late", replace(GOOD, reorder=0.1)),
    "jitter": Case("0 to 200 ms late, each by itself", replace(GOOD, jitter_ms=200)),
    "duplicates": Case("10 % come twice", replace(GOOD, duplicate=0.1)),
    "outage": Case("nothing passes for 3 s", replace(GOOD, loss=1.0), lasts_s=3.0),
    "move": Case("another address", lasts_s=0.0, moves=True),
    "set-up": Case("30 % lost, from the start", replace(GOOD, loss=0.3), from_start=True),
}
