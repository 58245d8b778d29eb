"""What an operator watches: counts and delays of this process, in Prometheus's form."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import astuple, dataclass
from functools import partial

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector

from rtc.workers import SHARED_FOLDER

# How often the event loop is looked at. A lag is what a timer is late by.
_LOOK_INTERVAL_S = 0.05
_LOOKS_PER_UPDATE = 20
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


class _Figures:
    """The figures of this process, in a form that several processes can add up."""

    def __init__(self, counts: Callable[[], Counts], live: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        self.lag = Histogram(
            "emotion_loop_lag_seconds",
            "How late timers of the event loop are.",
            buckets=_LAG_BOUNDS_S,
            registry=self.registry,
        )
        self._counts = counts
        self._live = live
        self._counted = Counts()
        self._counters = {
            name: Counter(f"emotion_{name}", help_text, registry=self.registry)
            for name, help_text in _HELP.items()
        }
        self._sessions = Gauge(
            "emotion_sessions",
            "People served now.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )

    def bring_up_to_date(self) -> None:
        counts = self._counts()
        for name, counter in self._counters.items():
            counter.inc(getattr(counts, name) - getattr(self._counted, name))
        self._counted = counts
        self._sessions.set(self._live())

    def text(self) -> bytes:
        """Return the figures of this process, or of all workers where it is one of several."""
        self.bring_up_to_date()
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def add_metrics(
    app: web.Application, counts: Callable[[], Counts], live: Callable[[], int]
) -> None:
    """Answer ``GET /metrics``, and watch the event loop for as long as the application runs."""
    figures = _Figures(counts, live)
    app.cleanup_ctx.append(partial(_watching, figures=figures))

    async def metrics(request: web.Request) -> web.Response:  # noqa: ARG001  aiohttp's signature
        headers = {"Content-Type": CONTENT_TYPE_PLAIN_0_0_4, "Cache-Control": "no-store"}
        return web.Response(body=figures.text(), headers=headers)

    app.router.add_get("/metrics", metrics)


async def _watching(app: web.Application, figures: _Figures) -> AsyncIterator[None]:  # noqa: ARG001
    task = asyncio.create_task(_watch(figures), name="event loop lag")
    yield
    task.cancel()
    await asyncio.wait([task])


async def _watch(figures: _Figures) -> None:
    loop = asyncio.get_running_loop()
    while True:
        for _ in range(_LOOKS_PER_UPDATE):
            due_at = loop.time() + _LOOK_INTERVAL_S
            await asyncio.sleep(_LOOK_INTERVAL_S)
            figures.lag.observe(max(0.0, loop.time() - due_at))
        figures.bring_up_to_date()  # Another worker may be the one that is asked.
