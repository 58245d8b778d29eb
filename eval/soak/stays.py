"""People who stay through everything, and what they got."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from eval.bench.media import EncodedMedia
from eval.bench.peers import SyntheticPeer
from eval.soak.outcomes import TURNED_AWAY
from rtc.client import RefusedError

_JOIN_INTERVAL_S = 0.13  # not a part of the tick interval: so that ticks do not coincide
_COMES_AGAIN_FOR_S = 120.0  # where the server is busy; on a shared machine, with others' work
_COMES_AGAIN_AFTER_S = 2.0


@dataclass(frozen=True)
class Stay:
    """What somebody got who stayed.

    Attributes:
        results: how many.
        longest_silence_s: without a result, the time from coming to the first one included.
        lost: why the connection ended before they left, or None.
    """

    results: int
    longest_silence_s: float
    lost: str | None


class Staying:
    """People at a server. Use as ``async with``; all leave in the end."""

    def __init__(self, url: str, media: EncodedMedia) -> None:
        self._url = url
        self._media = media
        self._people: list[tuple[SyntheticPeer, float]] = []
        self._leaving = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._leaving.aclose()

    async def join(self, count: int) -> None:
        """Have ``count`` more people come; who is turned away comes again for a while.

        Raises:
            rtc.client.RefusedError: the server refused one, and went on to.
        """
        for _ in range(count):
            until_s = time.monotonic() + _COMES_AGAIN_FOR_S
            while not await self._has_come(until_s):  # noqa: ASYNC110  the server sets no event
                await asyncio.sleep(_COMES_AGAIN_AFTER_S)
            await asyncio.sleep(_JOIN_INTERVAL_S)

    async def _has_come(self, until_s: float) -> bool:
        joined_at_s = time.monotonic()
        peer = SyntheticPeer(self._url, self._media)
        try:
            await self._leaving.enter_async_context(peer)
        except RefusedError as error:
            if error.status in TURNED_AWAY and joined_at_s < until_s:
                return False
            raise
        self._people.append((peer, joined_at_s))
        return True

    def stays(self) -> tuple[Stay, ...]:
        """Return what each has got until now, in the order in which they came."""
        now_s = time.monotonic()
        return tuple(
            stay_of([result.at_s for result in peer.results], joined_at_s, now_s, peer.gone)
            for peer, joined_at_s in self._people
        )


def stay_of(times_s: list[float], joined_at_s: float, now_s: float, lost: str | None) -> Stay:
    """Sum up when results came."""
    silence_s = max(later - earlier for earlier, later in pairwise([joined_at_s, *times_s, now_s]))
    return Stay(len(times_s), round(silence_s, 2), lost)
