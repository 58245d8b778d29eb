"""The whole attack, while a healthy peer watches; then what is left of the server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import psutil

from eval.bench.benched_server import BenchedServer
from eval.bench.media import EncodedMedia
from eval.fuzz.rounds import Fired, Rounds, attackers_are_gone
from eval.fuzz.strangers import sound_offer, target_in
from eval.fuzz.watcher import Watcher
from rtc.client import RefusedError

_WARM_UP_SHARE = 0.25
_LEAST_WARM_UP = 2000  # datagrams: after them every kind of attack has been made
_MOST_WARM_UP = 100_000  # after some 50,000 memory grows no more
_SETTLE_S = 30.0  # in which the sessions of attackers must end
_LEAST_WATCHED_S = 3.0  # after the warm-up: few datagrams are sent before a result is due
_ANEW_S = 15.0  # in which a new peer must get a result


@dataclass(frozen=True)
class Campaign:
    """What was sent and what came of it.

    Attributes:
        fired: what was sent, and how offers were answered.
        seconds: that the attack took.
        intervals_s: between the watcher's results, after the warm-up.
        watcher_gone: why the watcher lost its connection, or None.
        before_mb, after_mb: resident memory of the server after the warm-up, and in the end.
        attackers_left: sessions of attackers have not ended in time.
        is_alive: the server still runs.
        serves_anew: it serves a new session.
    """

    fired: Fired
    seconds: float
    intervals_s: list[float]
    watcher_gone: str | None
    before_mb: float
    after_mb: float
    attackers_left: bool
    is_alive: bool
    serves_anew: bool


async def attacked(
    server: BenchedServer,
    media: EncodedMedia,
    packets: int,
    seed: int,
    progress: Callable[[int], object],
) -> Campaign:
    """Send ``packets`` datagrams or a few more; ``progress`` is told how many, round by round.

    Raises:
        rtc.client.RefusedError: the server refuses the watcher.
    """
    began_at_s = time.monotonic()
    before_mb = after_mb = 0.0
    are_gone = False
    intervals_s: list[float] = []
    offer = await sound_offer(media)
    async with Watcher(server.url, media) as watcher:
        # Of the watcher's session, attackers may know all but its password.
        watched = target_in(watcher.answer, watcher.offer, password="a" * 22)
        rounds = Rounds(server.url, media, offer, watched, seed)
        try:
            async with rounds:
                share = min(_MOST_WARM_UP, round(packets * _WARM_UP_SHARE))
                await _play(rounds, min(packets, max(_LEAST_WARM_UP, share)), progress)
                await attackers_are_gone(server.url, 2, _SETTLE_S)  # the watcher and an insider
                before_mb = server.resident_mb()
                watcher.begin_anew()
                watched_until_s = time.monotonic() + _LEAST_WATCHED_S
                await _play(rounds, packets, progress)
                await asyncio.sleep(max(0.0, watched_until_s - time.monotonic()))
            are_gone = await attackers_are_gone(server.url, 1, _SETTLE_S)
            after_mb = server.resident_mb()
        except (aiohttp.ClientError, psutil.NoSuchProcess, TimeoutError):
            pass  # the server is gone or hangs, as is told below
        intervals_s = watcher.intervals_s(time.monotonic())
        gone = watcher.gone
    return Campaign(
        fired=rounds.fired,
        seconds=time.monotonic() - began_at_s,
        intervals_s=intervals_s,
        watcher_gone=gone,
        before_mb=before_mb,
        after_mb=after_mb,
        attackers_left=not are_gone,
        is_alive=_is_alive(server),
        serves_anew=await _serves_anew(server, media),
    )


async def _play(rounds: Rounds, packets: int, progress: Callable[[int], object]) -> None:
    while rounds.fired.sent.total() < packets:
        progress(await rounds.play())


def _is_alive(server: BenchedServer) -> bool:
    try:
        return psutil.Process(server.pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def _serves_anew(server: BenchedServer, media: EncodedMedia) -> bool:
    try:
        async with asyncio.timeout(_ANEW_S), Watcher(server.url, media):
            return True
    except (aiohttp.ClientError, RefusedError, TimeoutError):
        return False
