"""What an operator watches: counts and delays of this process, in Prometheus's form."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector

from models.engine import InferenceEngine
from rtc.counts import Counts
from rtc.reasons import FAULTS, REASONS
from rtc.workers import SHARED_FOLDER

# How often the event loop is looked at. A lag is what a timer is late by.
_LOOK_INTERVAL_S = 0.05
_LOOKS_PER_UPDATE = 20
_INFERENCE_BOUNDS_S = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_LAG_BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


_HELP = {
    "pictures": "Pictures decoded.",
    "results": "Results made.",
    "dropped": "Results not sent because the peer did not take those before.",
    "skipped": "Requests skipped because the one before was still under way.",
}


@dataclass(frozen=True)
class Sources:
    """Where the figures come from.

    Attributes:
        counts: of all sessions since the process began.
        live: how many people are served now.
        refused: requests, by reason, since the process began.
        engine: whose predictions are timed.
    """

    counts: Callable[[], Counts]
    live: Callable[[], int]
    refused: Mapping[str, int]
    engine: InferenceEngine


class _Figures:
    """The figures of this process, in a form that several processes can add up."""

    def __init__(self, sources: Sources) -> None:
        self.registry = CollectorRegistry()
        self._sources = sources
        self.lag = Histogram(
            "emotion_loop_lag_seconds",
            "How late timers of the event loop are.",
            buckets=_LAG_BOUNDS_S,
            registry=self.registry,
        )
        inference = Histogram(
            "emotion_inference_seconds",
            "Time of the inference thread for one result.",
            ["modality"],
            buckets=_INFERENCE_BOUNDS_S,
            registry=self.registry,
        )
        sources.engine.watch(lambda modality, s: inference.labels(modality).observe(s))
        refused = Counter(
            "emotion_refusals", "Requests refused.", ["reason"], registry=self.registry
        )
        faults = Counter(
            "emotion_faults", "Faults that peers were told of.", ["fault"], registry=self.registry
        )
        self._refused = _ByReason(refused, REASONS)
        self._faults = _ByReason(faults, FAULTS)
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
        self._tasks = Gauge(
            "emotion_tasks",
            "Tasks of the event loop; with nobody there, always as many.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )

    def bring_up_to_date(self) -> None:
        """Take the counts as they are now; on the event loop only."""
        counts = self._sources.counts()
        for name, counter in self._counters.items():
            counter.inc(getattr(counts, name) - getattr(self._counted, name))
        self._counted = counts
        self._refused.become(self._sources.refused)
        self._faults.become(counts.faults)
        self._sessions.set(self._sources.live())
        self._tasks.set(len(asyncio.all_tasks()))

    def text(self) -> bytes:
        """Return the figures of this process, or of all workers where it is one of several."""
        self.bring_up_to_date()
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


class _ByReason:
    """A counter with one label, which follows counts that are kept elsewhere."""

    def __init__(self, counter: Counter, reasons: Sequence[str]) -> None:
        """Begin with 0 for each of ``reasons``."""
        self._counter = counter
        self._counted = dict.fromkeys(reasons, 0)
        for reason in reasons:
            counter.labels(reason)

    def become(self, counts: Mapping[str, int]) -> None:
        for reason, count in counts.items():
            self._counter.labels(reason).inc(count - self._counted[reason])
            self._counted[reason] = count


def add_metrics(app: web.Application, sources: Sources) -> None:
    """Answer ``GET /metrics``, and watch the event loop for as long as the application runs."""
    figures = _Figures(sources)
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
