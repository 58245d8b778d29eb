"""What an operator watches: counts and delays of this process, in Prometheus's form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import astuple, dataclass
from functools import partial

from aiohttp import web
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

# How often the event loop is looked at. A lag is what a timer is late by.
_LOOK_INTERVAL_S = 0.05
_LAG_BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Counts:
    """Of one session, or of all since the process began.

    Attributes:
        pictures: that were decoded.
        results: messages made at ticks.
        dropped: messages that were not sent because the peer did not take those before.
        skipped: requests skipped because the one before, of the same kind, was still under way.
    """

    pictures: int = 0
    results: int = 0
    dropped: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


_HELP = {
    "pictures": "Pictures decoded.",
    "results": "Results made.",
    "dropped": "Results not sent because the peer did not take those before.",
    "skipped": "Requests skipped because the one before was still under way.",
}


class _Sessions(Collector):
    def __init__(self, counts: Callable[[], Counts], live: Callable[[], int]) -> None:
        self._counts = counts
        self._live = live

    def collect(self) -> Iterator[Metric]:
        counts = self._counts()
        for name, help_text in _HELP.items():
            yield CounterMetricFamily(f"emotion_{name}", help_text, value=getattr(counts, name))
        yield GaugeMetricFamily("emotion_sessions", "People served now.", value=self._live())


def add_metrics(
    app: web.Application, counts: Callable[[], Counts], live: Callable[[], int]
) -> None:
    """Answer ``GET /metrics``, and watch the event loop for as long as the application runs."""
    registry = CollectorRegistry()
    registry.register(_Sessions(counts, live))
    lag = Histogram(
        "emotion_loop_lag_seconds",
        "How late timers of the event loop are.",
        buckets=_LAG_BOUNDS_S,
        registry=registry,
    )
    app.cleanup_ctx.append(partial(_watching, lag=lag))

    async def metrics(request: web.Request) -> web.Response:  # noqa: ARG001  aiohttp's signature
        headers = {"Content-Type": CONTENT_TYPE_PLAIN_0_0_4, "Cache-Control": "no-store"}
        return web.Response(body=generate_latest(registry), headers=headers)

    app.router.add_get("/metrics", metrics)


async def _watching(app: web.Application, lag: Histogram) -> AsyncIterator[None]:  # noqa: ARG001
    task = asyncio.create_task(_watch(lag), name="event loop lag")
    yield
    task.cancel()
    await asyncio.wait([task])


async def _watch(lag: Histogram) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due_at = loop.time() + _LOOK_INTERVAL_S
        await asyncio.sleep(_LOOK_INTERVAL_S)
        lag.observe(max(0.0, loop.time() - due_at))
