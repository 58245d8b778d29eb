"""One case: people connect, the network gets bad, it gets good again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from eval.bench.benched_server import BenchError
from eval.network.cases import GOOD, Case
from eval.network.detour import Detour
from eval.network.measure import MOST_SET_UP_S, Figures, Span, figures_of
from eval.network.person import Person
from eval.network.tracks import RawMedia

_SETTLED_S = 2.0  # after the first results, before the fault
_AFTER_S = 6.0  # twice what is allowed for getting well again
_JOIN_INTERVAL_S = 0.13  # so that people do not get their results at the same moment


def length_s(case: Case) -> float:
    """Return how long a case takes, once its people are connected."""
    return _SETTLED_S + case.lasts_s + _AFTER_S


async def people_through(
    server_url: str,
    media: RawMedia,
    case: Case,
    seeds: range,
    progress: Callable[[float], object],
) -> list[Figures]:
    """Return what each person got, in the order of ``seeds``, of which each has one.

    Args:
        server_url: without a slash at the end.
        media: what each of them sends.
        case: the fault.
        seeds: of what happens to packets.
        progress: called with the seconds that have passed since the last call.

    Raises:
        rtc.client.RefusedError: the server refused one.
        eval.bench.benched_server.BenchError: over a good network, somebody gets no results.
    """
    async with AsyncExitStack() as leaving:
        detours, people = [], []
        for seed in seeds:
            at_first = case.impairment if case.from_start else GOOD
            detour = await leaving.enter_async_context(Detour(server_url, seed, at_first))
            detours.append(detour)
            people.append(await leaving.enter_async_context(Person(detour.url, media)))
            await asyncio.sleep(_JOIN_INTERVAL_S)
        await _set_up(people, case)
        await _pass(_SETTLED_S, progress)
        began_s = time.monotonic()
        for detour in detours:
            await _begin(detour, case)
        await _pass(case.lasts_s, progress)
        healed_s = time.monotonic()
        for detour in detours:
            _heal(detour)
        await _pass(_AFTER_S, progress)
        span = Span(healed_s if case.is_cut else began_s, healed_s, time.monotonic())
        return [figures_of(each.results, each.offered_at_s, span) for each in people]


async def _set_up(people: list[Person], case: Case) -> None:
    try:
        async with asyncio.timeout(MOST_SET_UP_S):
            await asyncio.gather(*(each.result_with_both() for each in people))
    except TimeoutError as error:
        if not case.from_start:  # else it is what is measured
            raise BenchError(
                f"no result with voice and face came within {MOST_SET_UP_S:g} s; the clip must "
                "show a face that speaks, and this machine needs an address besides 127.0.0.1"
            ) from error


async def _begin(detour: Detour, case: Case) -> None:
    assert detour.relay is not None
    detour.relay.impair(case.impairment)
    if case.moves:
        await detour.relay.move()


def _heal(detour: Detour) -> None:
    assert detour.relay is not None
    detour.relay.impair(GOOD)


async def _pass(seconds: float, progress: Callable[[float], object]) -> None:
    ends_s = time.monotonic() + seconds
    while (left_s := ends_s - time.monotonic()) > 0:
        await asyncio.sleep(min(1.0, left_s))
        progress(min(1.0, left_s))
