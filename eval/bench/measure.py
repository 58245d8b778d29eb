"""What a number of peers got from a server over some seconds, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from eval.bench.peers import Result

# What "served" means: beyond these a person notices.
MOST_INTERVAL_P95_MS = 600
MOST_AGE_P95_MS = 300
LEAST_RATE_HZ = 1.9


@dataclass(frozen=True)
class Cost:
    """What was used while it was measured.

    Attributes:
        server_cores: processor time of the server over the time that passed.
        server_mb: resident memory of the server at the end.
        peers_cores: as ``server_cores``, of the peers; near 1 they, not the server, are the limit.
        peers_late_ms: how much later than due a peer sent something, at worst.
        loop_lag_p99_ms: of the server's event loop.
        pictures_per_s: decoded, of all peers.
        drops: messages that the server did not send.
    """

    server_cores: float
    server_mb: float
    peers_cores: float
    peers_late_ms: float
    loop_lag_p99_ms: float
    pictures_per_s: float
    drops: int


@dataclass(frozen=True)
class Level:
    """A number of peers and how they were served; times in ms, over all peers unless said."""

    peers: int
    results_per_s: float
    slowest_hz: float
    interval_p50_ms: float
    interval_p95_ms: float
    interval_max_ms: float
    age_p50_ms: float
    age_p95_ms: float
    sound_age_p95_ms: float
    lost: int
    cost: Cost

    @property
    def holds(self) -> bool:
        """Whether everybody was served as people expect."""
        return (
            not self.lost
            and self.interval_p95_ms <= MOST_INTERVAL_P95_MS
            and self.age_p95_ms <= MOST_AGE_P95_MS
            and self.slowest_hz >= LEAST_RATE_HZ
        )


def level_of(
    results: Sequence[Sequence[Result]], began_at_s: float, ended_at_s: float, lost: int, cost: Cost
) -> Level:
    """Sum up what each peer got between two moments.

    Peers that got next to nothing count: their interval is the whole time.
    """
    within = [[r for r in one if began_at_s <= r.at_s < ended_at_s] for one in results]
    length_s = ended_at_s - began_at_s
    intervals = [
        later - earlier
        for one in within
        for earlier, later in pairwise([r.at_s for r in one] if len(one) > 1 else [0, length_s])
    ]
    picture_ages = [r.picture_age_s for one in within for r in one if r.picture_age_s is not None]
    sound_ages = [r.sound_age_s for one in within for r in one if r.sound_age_s is not None]
    interval_p50, interval_p95 = _percentiles_ms(intervals, 50, 95)
    age_p50, age_p95 = _percentiles_ms(picture_ages, 50, 95)
    return Level(
        peers=len(results),
        results_per_s=sum(map(len, within)) / length_s,
        slowest_hz=min((len(one) / length_s for one in within), default=0.0),
        interval_p50_ms=interval_p50,
        interval_p95_ms=interval_p95,
        interval_max_ms=1000 * max(intervals, default=length_s),
        age_p50_ms=age_p50,
        age_p95_ms=age_p95,
        sound_age_p95_ms=_percentiles_ms(sound_ages, 95)[0],
        lost=lost,
        cost=cost,
    )


def _percentiles_ms(values_s: Sequence[float], *wanted: int) -> list[float]:
    """Return percentiles in ms; infinite ones where there is nothing."""
    if not values_s:
        return [float("inf")] * len(wanted)
    return [float(value) * 1000 for value in np.percentile(values_s, wanted)]
