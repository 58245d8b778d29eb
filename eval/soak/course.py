"""The course of a soak: warm-up, lives beside people who stay, steady load, and rest again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import aiohttp
import psutil
from tqdm import tqdm

from eval.bench.benched_server import BenchedServer, BenchError
from eval.bench.media import EncodedMedia
from eval.soak.figures import Figures, at_rest, read
from eval.soak.lives import live
from eval.soak.outcomes import Outcome
from eval.soak.plan import ROUND_LENGTH, Life, plan
from eval.soak.stays import Stay, Staying

_STAYING = 4  # people who live through it all
_REST_PATIENCE_S = 90.0  # the server notices within 30 s that somebody is gone
_SAMPLE_INTERVAL_S = 10.0
_WARM_UP_SHARE = 20  # of the lives, and two rounds at least, are lived before anything is compared


@dataclass(frozen=True)
class Amount:
    """How much there is to be.

    Attributes:
        lives: how many, after the warm-up.
        minutes: of steady load after the lives.
        at_once: people at a time, besides those who stay all the time.
        seed: of everything that is left to chance.
    """

    lives: int
    minutes: float
    at_once: int
    seed: int


@dataclass(frozen=True)
class Sample:
    """The figures at one moment.

    Attributes:
        at_s: when it was taken, since the start.
        late_s: by how much the peers' process came too late to it: its machine stood still.
        resident_mb, sessions, file_descriptors, tasks: of the server.
        peers_mb: of the peers' process.
    """

    at_s: float
    late_s: float
    resident_mb: float
    sessions: int
    file_descriptors: int
    tasks: int
    peers_mb: float


@dataclass(frozen=True)
class Course:
    """What happened.

    Attributes:
        before, after: when nobody was there: after the warm-up, and when all had left.
        outcomes: of the lives, without those of the warm-up.
        stays: of those who lived through it all, then of those who came for the steady load.
        samples: taken all along.
    """

    before: Figures
    after: Figures
    outcomes: tuple[Outcome, ...]
    stays: tuple[Stay, ...]
    samples: tuple[Sample, ...]


class Soak:
    """One soak of one server. Call ``run`` once."""

    def __init__(self, server: BenchedServer, media: EncodedMedia, wanted: Amount) -> None:
        self._server = server
        self._media = media
        self._wanted = wanted
        self._began_at_s = time.monotonic()
        self._own = psutil.Process()
        self._samples: list[Sample] = []

    async def run(self) -> Course:
        """Go through all of it.

        Raises:
            eval.bench.benched_server.BenchError: the server ended meanwhile.
            rtc.client.RefusedError: it refused somebody who was to stay.
        """
        course = asyncio.create_task(self._run(), name="course")
        sampling = asyncio.create_task(self._sample(), name="samples")
        try:
            await asyncio.wait({course, sampling}, return_when=asyncio.FIRST_COMPLETED)
            # Samples end before the course only when the server does.
            return course.result() if course.done() else await sampling
        except (aiohttp.ClientError, psutil.NoSuchProcess) as error:
            raise BenchError(f"the server ended: {error}") from error
        finally:
            course.cancel()
            sampling.cancel()
            await asyncio.wait({course, sampling})

    async def _run(self) -> Course:
        wanted = self._wanted
        warm_up = plan(wanted.seed + 1, max(2 * ROUND_LENGTH, wanted.lives // _WARM_UP_SHARE))
        async with Staying(self._server.url, self._media) as people:
            # As many at a time as there will be at most, so that pools and heaps have their size.
            await people.join(_STAYING + wanted.at_once)
            await self._live(warm_up, "warm-up")
        before = await at_rest(self._server, _REST_PATIENCE_S)
        async with Staying(self._server.url, self._media) as people:
            await people.join(_STAYING)
            outcomes = await self._live(plan(wanted.seed, wanted.lives), "lives")
            await people.join(wanted.at_once)
            await _pass(60 * wanted.minutes, "steady load")
            stays = people.stays()
        after = await at_rest(self._server, _REST_PATIENCE_S, before.held)
        return Course(before, after, tuple(outcomes), stays, tuple(self._samples))

    async def _live(self, lives: Sequence[Life], title: str) -> list[Outcome]:
        """Have all lives be lived, some of them at a time."""
        outcomes: list[Outcome] = []
        waiting = iter(lives)
        with tqdm(total=len(lives), desc=title, unit="life") as progress:
            async with asyncio.TaskGroup() as tasks:
                for number in range(min(self._wanted.at_once, len(lives))):
                    one_by_one = self._live_some(waiting, outcomes, progress.update)
                    tasks.create_task(one_by_one, name=f"lives {number}")
        return outcomes

    async def _live_some(
        self, waiting: Iterable[Life], outcomes: list[Outcome], progress: Callable[[int], object]
    ) -> None:
        for life in waiting:
            outcomes.append(await live(life, self._server.url, self._media))
            progress(1)

    async def _sample(self) -> NoReturn:
        due_at_s = time.monotonic()
        while True:
            now_s = time.monotonic()
            figures = await read(self._server)
            self._samples.append(
                Sample(
                    at_s=round(now_s - self._began_at_s, 1),
                    late_s=round(max(0.0, now_s - due_at_s), 1),
                    resident_mb=figures.resident_mb,
                    sessions=figures.held.sessions,
                    file_descriptors=figures.held.file_descriptors,
                    tasks=figures.held.tasks,
                    peers_mb=round(self._own.memory_info().rss / 1e6, 1),
                )
            )
            due_at_s = now_s + _SAMPLE_INTERVAL_S
            await asyncio.sleep(due_at_s - time.monotonic())


async def _pass(seconds: float, title: str) -> None:
    until = time.monotonic() + seconds
    with tqdm(total=round(seconds), desc=title, unit="s") as progress:
        while (left_s := until - time.monotonic()) > 0:
            await asyncio.sleep(min(1.0, left_s))
            passed_s = seconds - max(0.0, until - time.monotonic())
            progress.update(round(passed_s) - progress.n)
