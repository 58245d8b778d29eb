"""One replica: a core, a process that serves on it, and what Ray Serve knows of both."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import time
from collections.abc import AsyncGenerator, Iterable
from typing import Any

import ray
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from rtc.cluster.messages import Answered, Asked, Duties, Seen
from rtc.cluster.plan import Plan
from rtc.cluster.replica_process import ReplicaFailedError, ReplicaProcess
from rtc.cluster.roster import BEAT_S
from rtc.cluster.slots import Slot

_log = logging.getLogger(__name__)


class SessionReplica:
    """Serves as many people as one core can."""

    async def __init__(self, plan: Plan, roster: DeploymentHandle[Any]) -> None:  # type: ignore[misc]  # Ray awaits it
        self._plan = plan
        self._roster = roster
        self._checked_at = time.monotonic()
        self._place = secrets.token_hex(4)
        self._secret = secrets.token_urlsafe(32)
        self._slot = Slot.take()
        self._process = await ReplicaProcess.start(self._duties())
        self._beating = asyncio.create_task(self._beat(), name="beat of the replica")

    async def serve(self, asked: Asked) -> AsyncGenerator[Answered, None]:
        """Yield the answer to an offer, and end when the session has ended that it began."""
        answered, session_id = await self._process.ask(asked)
        began_at = time.monotonic()
        yield answered
        if session_id is None:
            return
        try:
            await self._process.until_over(session_id)
        except asyncio.CancelledError:
            # Whoever offers gives up after wait_s. Later it is the ingress that has gone, which
            # is nothing to a peer: its media comes straight to us.
            if time.monotonic() - began_at < self._plan.wait_s:
                await self._process.end(session_id)
            raise

    async def check_health(self) -> None:
        """Raise when the process does not answer; Ray Serve replaces a replica that does so."""
        self._checked_at = time.monotonic()
        try:
            await self._process.people()
        except ReplicaFailedError:
            self._process.kill()  # if it only hangs, its peers are to look for another at once
            raise

    async def __del__(self) -> None:
        """End what is left; Ray Serve calls this when all sessions have, or have had their time.

        Also after a start that failed; the slot is let go of with this process.
        """
        if not hasattr(self, "_beating"):
            return
        self._beating.cancel()
        with contextlib.suppress(RayError, RayServeException):
            await self._roster.strike.remote(self._place)
        await self._process.aclose()

    def _duties(self) -> Duties:
        return Duties(
            flags=self._plan.flags,
            place=self._place,
            host=ray.util.get_node_ip_address(),  # type: ignore[no-untyped-call]  # Ray's
            cores=tuple(sorted(_cores())),
            slot=self._slot.number,
            most_sessions=self._plan.sessions_per_replica,
            secret=self._secret,
        )

    async def _beat(self) -> None:
        """Tell the roster of ourselves, again and again; end the sessions when it is time.

        Ray Serve asks for our health each second until we are to go, and says that in no other way.
        """
        while True:
            if time.monotonic() - self._checked_at > self._plan.drain_s:
                await self._process.end_all()
            try:
                people = await self._process.people()
                seen = Seen(
                    place=self._place,
                    url=self._process.url,
                    sessions=people,
                    most_sessions=self._plan.sessions_per_replica,
                    secret=self._secret,
                )
                await self._roster.note.remote(seen)
            except (ReplicaFailedError, RayError, RayServeException) as error:
                _log.warning("the roster could not be told of this replica: %s", error)
            await asyncio.sleep(BEAT_S)


def _cores() -> Iterable[int]:
    """Return the cores of this machine that we may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return os.sched_getaffinity(0)
    return range(os.cpu_count() or 1)
