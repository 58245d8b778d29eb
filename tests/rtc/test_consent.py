"""Consent to be sent to, between two real ICE agents over a relay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aioice
from aioice import stun

from eval.network.impairment import Impairment
from eval.network.relay import Relay
from rtc.consent import ConsentConfig, keep_consent

# Three questions fit into the time until consent is over; asked at equal intervals, two.
_FAST = ConsentConfig(interval_s=1.0, again_s=0.1, expiry_s=2.5)


@asynccontextmanager
async def _agents() -> AsyncIterator[tuple[aioice.Connection, Relay]]:
    """An agent that asks, and the relay over which another answers."""
    ours = aioice.Connection(ice_controlling=False, use_ipv6=False)
    theirs = aioice.Connection(ice_controlling=True, use_ipv6=False)
    await asyncio.gather(ours.gather_candidates(), theirs.gather_candidates())
    candidates = [each.local_candidates[0] for each in (ours, theirs)]
    places = [(each.host, each.port) for each in candidates]
    async with Relay(places[1], seed=0) as relay:
        relay.server = places[0]
        for one, other, address in ((ours, theirs, relay.far), (theirs, ours, relay.near)):
            one.remote_username, one.remote_password = other.local_username, other.local_password
            line = f"1 1 udp 1 {address[0]} {address[1]} typ host"
            await one.add_remote_candidate(aioice.Candidate.from_sdp(line))
            await one.add_remote_candidate(None)
        keep_consent(ours, _FAST)
        await asyncio.gather(ours.connect(), theirs.connect())
        try:
            yield ours, relay
        finally:
            await asyncio.gather(ours.close(), theirs.close())


def _lose_questions(relay: Relay, count: int) -> list[bytes]:
    """Lose the first ``count`` questions of ours; return a list that all of them will be in."""
    asked: list[bytes] = []
    carry = relay._from_server

    def tapped(data: bytes, origin: tuple[str, int]) -> None:
        if stun.parse_message(data).message_class is stun.Class.REQUEST:
            asked.append(data)
            if len(asked) <= count:
                return
        carry(data, origin)

    relay._far.get_protocol()._take = tapped
    return asked


async def test_questions_that_were_lost_are_asked_again_soon() -> None:
    """Two in a row that come to nothing do not end a connection whose peer is there."""
    async with _agents() as (ours, relay):
        asked = _lose_questions(relay, 2)
        async with asyncio.timeout(10):
            while len(asked) < 4:  # noqa: ASYNC110  what is asked sets no event
                await asyncio.sleep(0.02)
        await ours.send(b"still there")


async def test_without_an_answer_it_is_over() -> None:
    """A peer that is gone is not sent to for longer than consent lasts."""
    async with _agents() as (ours, relay):
        relay.impair(Impairment(loss=1.0))
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        async with asyncio.timeout(10):
            assert isinstance(await ours.get_event(), aioice.ConnectionClosed)
        assert 2.4 < loop.time() - began_at < 3.6
