"""Where requests come in: the HTTP application of the cluster, as a deployment of Ray Serve."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle
from starlette.requests import Request
from starlette.responses import StreamingResponse

from rtc.cluster.bridge import Bridge
from rtc.cluster.front import create_front
from rtc.cluster.messages import Seen
from rtc.cluster.places import Places
from rtc.cluster.plan import Plan, settings_from

_FRESH_S = 0.5
_PATIENCE_S = 1.0


class Ingress:
    """Lets people in, and leads them to replicas."""

    async def __init__(  # type: ignore[misc]  # Ray awaits it
        self,
        plan: Plan,
        environment: Mapping[str, str],
        replicas: DeploymentHandle[Any],
        roster: DeploymentHandle[Any],
    ) -> None:
        os.environ.update(environment)  # this process is ours alone
        config = settings_from(plan.flags).server
        everyone = kept_fresh(roster.all.remote)
        places = Places(replicas, config, plan.wait_s, everyone)
        self._bridge = Bridge(create_front(config, places.serve, everyone))
        await self._bridge.start()

    async def __call__(self, request: Request) -> StreamingResponse:
        """Answer a request."""
        return await self._bridge.answer(request)

    async def __del__(self) -> None:
        """End what is under way; sessions go on."""
        await self._bridge.aclose()


def kept_fresh(
    ask: Callable[[], Awaitable[tuple[Seen, ...]]],
) -> Callable[[], Awaitable[tuple[Seen, ...]]]:
    """Return a function that asks twice a second at most, and gives what it was told last."""
    told: tuple[Seen, ...] = ()
    told_at = -_FRESH_S
    asking = asyncio.Lock()

    async def everyone() -> tuple[Seen, ...]:
        nonlocal told, told_at
        async with asking:
            if time.monotonic() - told_at >= _FRESH_S:
                # While the roster begins anew, those count that were there before.
                with suppress(RayError, RayServeException, TimeoutError):
                    async with asyncio.timeout(_PATIENCE_S):
                        told = await ask()
                told_at = time.monotonic()
            return told

    return everyone
