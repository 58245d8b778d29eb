"""What the server says of itself at ``/metrics``, as far as the benchmark needs it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import aiohttp
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True)
class ServerFigures:
    """Counts since the server began.

    Attributes:
        pictures: decoded.
        drops: messages not sent, since a peer did not take those before.
        loop_lags: (upper bound in s, count of lags up to it) of the event loop, bounds rising.
    """

    pictures: float
    drops: float
    loop_lags: tuple[tuple[float, float], ...]

    def loop_lag_quantile_since(self, before: ServerFigures, share: float) -> float:
        """Return the bound, in s, below which ``share`` of the lags since ``before`` lie."""
        counts = [
            (bound, count - earlier)
            for (bound, count), (_, earlier) in zip(self.loop_lags, before.loop_lags, strict=True)
        ]
        total = counts[-1][1] if counts else 0.0
        for (low, below), (high, up_to) in pairwise([(0.0, 0.0), *counts]):
            if total and up_to >= share * total:
                within = (share * total - below) / (up_to - below) if up_to > below else 1.0
                return high if high == float("inf") else low + within * (high - low)
        return float("nan")


async def read_families(url: str) -> dict[str, Metric]:
    """Ask a server for all its figures, those of all its workers together; return them by name."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as response:
        response.raise_for_status()
        return {f.name: f for f in text_string_to_metric_families(await response.text())}


async def read_figures(url: str) -> ServerFigures:
    """Ask a server for the figures that the benchmark needs."""
    families = await read_families(url)
    lags = Counter[float]()
    for sample in families["emotion_loop_lag_seconds"].samples:
        if sample.name.endswith("_bucket"):
            lags[float(sample.labels["le"])] += sample.value  # type: ignore[assignment]  # floats, too
    return ServerFigures(
        pictures=_total(families["emotion_pictures"]),
        drops=_total(families["emotion_dropped"]),
        loop_lags=tuple(sorted(lags.items())),
    )


def _total(family: Metric) -> float:
    """Return the sum of a counter over all replicas of a cluster; of others there is one."""
    return sum(sample.value for sample in family.samples if sample.name.endswith("_total"))
