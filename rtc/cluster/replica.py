"""One replica: a core, a process that serves on it, and what Ray Serve knows of both."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any

import ray
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from rtc.cluster.drain import Drain
from rtc.cluster.messages import Answered, Asked, Duties, Seen
from rtc.cluster.plan import Plan
from rtc.cluster.replica_process import ReplicaFailedError, ReplicaProcess
from rtc.cluster.roster import BEAT_S
from rtc.cluster.slots import Slot

_log = logging.getLogger(__name__)

_HANDED_OVER_WITHIN_S = 2.0  # an answer, from us to whoever offered
_PATIENCE_S = 2.0
_CONTROLLER = "SERVE_CONTROLLER_ACTOR"  # Ray Serve's


class SessionReplica:
    """Serves as many people as one core can."""

    async def __init__(  # type: ignore[misc]  # Ray awaits it
        self, plan: Plan, environment: Mapping[str, str], roster: DeploymentHandle[Any]
    ) -> None:
        self._plan = plan
        self._roster = roster
        self._drain = Drain(plan.drain_s)
        self._place = secrets.token_hex(4)
        self._secret = secrets.token_urlsafe(32)
        self._slot = Slot.take()
        self._process = await ReplicaProcess.start(self._duties(), environment)
        self._ending = asyncio.create_task(self._end_with_process(), name="end of the replica")
        self._leaving = asyncio.create_task(self._leave_in_time(), name="leave of the replica")
        self._beating = asyncio.create_task(self._beat(), name="beat of the replica")

    async def serve(self, asked: Asked) -> AsyncGenerator[Answered | None, None]:
        """Yield None, for there is a place; then the answer; end when its session has ended."""
        yield None
        answered, session_id = await self._process.ask(asked)
        began_at = time.monotonic()
        yield answered
        if session_id is None:
            return
        try:
            await self._process.until_over(session_id)
        except asyncio.CancelledError:
            # At once, it is whoever offered, who gave up before the answer came. Later it is the
            # ingress that has gone, which is nothing to a peer: its media comes straight to us.
            if time.monotonic() - began_at < _HANDED_OVER_WITHIN_S:
                await self._process.end(session_id)
            raise

    async def check_health(self) -> None:
        """Raise when the process does not answer; Ray Serve replaces a replica that does so."""
        self._drain.asked()
        await self._process.check()

    async def __del__(self) -> None:
        """End what is left; Ray Serve calls this when all sessions have, or have had their time.

        Also after a start that failed; the slot is let go of with this process.
        """
        if not hasattr(self, "_beating"):
            return
        self._beating.cancel()
        self._ending.cancel()
        self._leaving.cancel()
        with contextlib.suppress(RayError, RayServeException, TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
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

    async def _end_with_process(self) -> None:
        """End at once when the process does, or offers would come here until Ray Serve asks."""
        _log.error("the process ended: %s", await self._process.ended())
        os._exit(1)

    async def _beat(self) -> None:
        """Tell the roster of ourselves, again and again."""
        while True:
            try:
                people = await self._process.people()
                seen = Seen(
                    place=self._place,
                    url=self._process.url,
                    sessions=people,
                    most_sessions=self._plan.sessions_per_replica,
                    secret=self._secret,
                    is_leaving=self._drain.may_go,
                )
                async with asyncio.timeout(_PATIENCE_S):
                    await self._roster.note.remote(seen)
            except (ReplicaFailedError, RayError, RayServeException, TimeoutError) as error:
                _log.warning("the roster could not be told of this replica: %s", error)
            await asyncio.sleep(BEAT_S)

    async def _leave_in_time(self) -> None:
        """End the sessions that are left when we are to go and it is time."""
        while True:
            if self._drain.may_go:
                self._drain.count(is_controller_there=await _is_controller_there())
            if self._drain.is_over:
                await self._process.end_all()
            await asyncio.sleep(BEAT_S)


async def _is_controller_there() -> bool:
    """Whether there is somebody who could ask for our health."""
    try:
        controller = ray.get_actor(_CONTROLLER, namespace="serve")
        async with asyncio.timeout(_PATIENCE_S):
            await controller.check_alive.remote()
    except (RayError, TimeoutError, ValueError):
        return False
    return True


def _cores() -> Iterable[int]:
    """Return the cores of this machine that we may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return os.sched_getaffinity(0)
    return range(os.cpu_count() or 1)
