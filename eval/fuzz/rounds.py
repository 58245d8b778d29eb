"""Rounds of attacks of all kinds; seed, number and kind alone decide what is sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import Self

import aiohttp

from eval.bench.media import EncodedMedia
from eval.fuzz.datagrams import Target
from eval.fuzz.insider import ENDED, Insider
from eval.fuzz.offers import Body, malformed_offer
from eval.fuzz.strangers import HalfKnown, Strangers, target_in
from rtc.client import RefusedError, post_offer
from rtc.serve import own_addresses

_BEFORE, _AFTER, _HALF, _INSIDE, _OFFERS = 100, 150, 60, 120, 5  # pieces of each kind in a round
_HALF_EVERY, _FRESH_INSIDER_EVERY = 4, 10  # rounds
_PATIENCE_S = 10.0  # for an answer to an offer


@dataclass
class Fired:
    """What was sent, and how offers were answered.

    Attributes:
        sent: datagrams, and pieces inside encrypted ones, by kind.
        offers: malformed offers by the HTTP status of their answer.
        odd_answers: answers that were no JSON, of status 500, or did not come, in words.
    """

    sent: Counter[str] = field(default_factory=Counter)
    offers: Counter[str] = field(default_factory=Counter)
    odd_answers: list[str] = field(default_factory=list)


class Rounds:
    """Use as ``async with``; attackers leave in the end.

    Attributes:
        fired: so far.
    """

    def __init__(
        self, url: str, media: EncodedMedia, offer: str, watched: Target, seed: int
    ) -> None:
        """Attack the server at ``url``.

        Args:
            url: without the slash at the end.
            media: that attackers send where they are honest.
            offer: a sound one, to be damaged.
            watched: the media port of a session that goes on.
            seed: of all that is left to chance.
        """
        self.fired = Fired()
        self._url = url
        self._media = media
        self._offer = offer
        self._watched = watched
        self._seed = seed
        self._number = 0
        self._own = frozenset(map(str, own_addresses()))
        self._leaving = AsyncExitStack()
        self._strangers = self._leaving.enter_context(Strangers())
        self._insider: Insider | None = None

    async def __aenter__(self) -> Self:
        self._http = await self._leaving.enter_async_context(aiohttp.ClientSession())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._dismiss()
        await self._leaving.aclose()

    async def play(self) -> int:
        """Play one round; return how many datagrams were sent.

        Raises:
            aiohttp.ClientError: the server is gone.
            TimeoutError: it does not answer a sound offer.
        """
        self._number += 1
        before = self.fired.sent.total()
        await self._attack_new_session(self._chance("new session"))
        chance = self._chance("watched session")
        await self._strangers.attack(chance, self._watched, _AFTER, self.fired.sent)
        if self._number % _HALF_EVERY == 1:
            with contextlib.suppress(ConnectionError, TimeoutError, RefusedError):
                half_known = HalfKnown(self._url, self._offer)
                await half_known.attack(self._chance("half known"), _HALF, self.fired.sent)
        await self._attack_from_within(self._chance("insider"))
        chance = self._chance("offers")
        for _ in range(_OFFERS):
            await self._make_offer(malformed_offer(chance, self._offer, self._own))
        return self.fired.sent.total() - before

    def _chance(self, kind: str) -> Random:
        """Return a generator for one kind of attack: how others go must not change what it does."""
        return Random(f"{self._seed}/{self._number}/{kind}")  # noqa: S311  the same again

    async def _attack_new_session(self, rng: Random) -> None:
        """Attack the port of a session whose peer has its answer, and is silent."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                answer = await post_offer(self._url, {"sdp": self._offer, "type": "offer"})
        except RefusedError:  # those before it are still there
            return
        target = target_in(answer["sdp"], self._offer)
        await self._strangers.attack(rng, target, _BEFORE, self.fired.sent)

    async def _attack_from_within(self, rng: Random) -> None:
        if self._number % _FRESH_INSIDER_EVERY == 0:
            await self._dismiss()
        try:
            if self._insider is None:
                self._insider = Insider(self._url, self._media)
                await self._insider.connect()
            await self._insider.attack(rng, _INSIDE, self.fired.sent)
        except ENDED:
            await self._dismiss()

    async def _dismiss(self) -> None:
        insider, self._insider = self._insider, None
        if insider is not None:
            with contextlib.suppress(*ENDED):
                await insider.aclose()

    async def _make_offer(self, body: Body) -> None:
        timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
        headers = {"Content-Type": body.content_type}
        try:
            async with self._http.post(
                f"{self._url}/offer", data=body.data, headers=headers, timeout=timeout
            ) as response:
                text = await response.text()
                self.fired.offers[str(response.status)] += 1
        except TimeoutError:
            self.fired.offers["none"] += 1
            self.fired.odd_answers.append(f"none within {_PATIENCE_S:g} s")
            return
        if response.status >= 500 and response.status != 503:
            self.fired.odd_answers.append(f"status {response.status}: {body.data[:200]!r}")
        try:
            json.loads(text)
        except ValueError:
            self.fired.odd_answers.append(f"status {response.status}, no JSON: {text[:100]}")


async def attackers_are_gone(url: str, left: int, within_s: float) -> bool:
    """Wait until the server serves ``left`` sessions or fewer; return whether it came to that."""
    try:
        async with asyncio.timeout(within_s), aiohttp.ClientSession() as http:
            while True:
                async with http.get(f"{url}/healthz") as response:
                    if (await response.json())["sessions"] <= left:
                        return True
                await asyncio.sleep(0.2)
    except TimeoutError:
        return False
