"""The load: peers that join, stay while they are measured, and leave."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import aiohttp
import psutil

from eval.bench.benched_server import BenchedServer, BenchError
from eval.bench.measure import Cost, Level, level_of
from eval.bench.media import EncodedMedia
from eval.bench.metrics import ServerFigures, read_figures
from eval.bench.peers import SyntheticPeer

_JOIN_INTERVAL_S = 0.13  # not a part of the tick interval: so that ticks do not coincide
_SETTLE_S = 4.0  # after joining, before measuring: the first results, and what set-up has delayed


class Load:
    """Peers of one server. Use as ``async with``; all leave in the end.

    Attributes:
        server: theirs.
        set_ups_s: how long each took from making its offer until it had applied the answer.
    """

    def __init__(self, server: BenchedServer, media: EncodedMedia) -> None:
        self.server = server
        self._media = media
        self.set_ups_s: list[float] = []
        self._peers: list[tuple[SyntheticPeer, AsyncExitStack]] = []
        self._own = psutil.Process()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.become(0)

    async def become(self, count: int) -> None:
        """Have as many peers as that.

        Raises:
            rtc.client.RefusedError: the server refused one.
        """
        # Those that were lost leave first: kept, they would let every smaller number fail, too.
        self._peers.sort(key=lambda each: each[0].gone is not None)
        while len(self._peers) > count:
            _, leaving = self._peers.pop()
            await leaving.aclose()
        while len(self._peers) < count:
            leaving = AsyncExitStack()
            began_at_s = time.monotonic()
            peer = await leaving.enter_async_context(SyntheticPeer(self.server.url, self._media))
            self.set_ups_s.append(time.monotonic() - began_at_s)
            self._peers.append((peer, leaving))
            await asyncio.sleep(_JOIN_INTERVAL_S)

    async def measured(
        self, count: int, seconds: float, progress: Callable[[float], object]
    ) -> Level:
        """Have ``count`` peers, wait until they have settled, and measure for ``seconds``.

        Raises:
            eval.bench.benched_server.BenchError: the server ended meanwhile.
            rtc.client.RefusedError: it refused a peer.
        """
        try:
            return await self._measured(count, seconds, progress)
        except (aiohttp.ClientError, psutil.NoSuchProcess) as error:
            raise BenchError(f"the server ended with {count} peers: {error}") from error

    async def _measured(
        self, count: int, seconds: float, progress: Callable[[float], object]
    ) -> Level:
        await self.become(count)
        await asyncio.sleep(_SETTLE_S)
        for peer, _ in self._peers:
            peer.begin_anew()
        before, began_at_s, began = await self._figures(), time.monotonic(), self._cpu_s()
        while (left_s := began_at_s + seconds - time.monotonic()) > 0:
            await asyncio.sleep(min(1.0, left_s))
            progress(min(1.0, left_s))
        ended_at_s, ended = time.monotonic(), self._cpu_s()
        after = await self._figures()
        length_s = ended_at_s - began_at_s
        cost = Cost(
            server_cores=(ended[0] - began[0]) / length_s,
            server_mb=self.server.resident_mb(),
            peers_cores=(ended[1] - began[1]) / length_s,
            peers_late_ms=1000 * max((peer.latest_s for peer, _ in self._peers), default=0.0),
            loop_lag_p99_ms=1000 * after.loop_lag_quantile_since(before, 0.99),
            pictures_per_s=(after.pictures - before.pictures) / length_s,
            drops=round(after.drops - before.drops),
        )
        lost = sum(peer.gone is not None for peer, _ in self._peers)
        results = [peer.results for peer, _ in self._peers]
        return level_of(results, began_at_s, ended_at_s, lost, cost)

    def _cpu_s(self) -> tuple[float, float]:
        own = self._own.cpu_times()
        return self.server.cpu_s(), own.user + own.system

    async def _figures(self) -> ServerFigures:
        return await read_figures(self.server.url)
