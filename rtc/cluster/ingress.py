"""Where requests come in: the HTTP application of the cluster, as a deployment of Ray Serve."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle
from starlette.requests import Request
from starlette.responses import StreamingResponse

from rtc.cluster.bridge import Bridge
from rtc.cluster.front import create_front
from rtc.cluster.kept_fresh import KeptFresh
from rtc.cluster.messages import Told
from rtc.cluster.places import Places
from rtc.cluster.plan import ENVIRONMENT, Plan, settings_from


class Ingress:
    """Lets people in, and leads them to replicas."""

    async def __init__(  # type: ignore[misc]  # Ray awaits it
        self,
        plan: Plan,
        environment: Mapping[str, str],
        replicas: DeploymentHandle[Any],
        roster: DeploymentHandle[Any],
    ) -> None:
        # This process is ours alone; and what this machine has set is not for the whole cluster.
        for name in ENVIRONMENT:
            os.environ.pop(name, None)
        os.environ.update(environment)
        config = settings_from(plan.flags).server
        self._told = KeptFresh(partial(_all, roster))
        everyone = self._told.everyone
        places = Places(replicas, config, plan.wait_s, everyone)
        self._bridge = Bridge(create_front(config, places.serve, everyone))
        await self._bridge.start()

    async def __call__(self, request: Request) -> StreamingResponse:
        """Answer a request."""
        return await self._bridge.answer(request)

    async def __del__(self) -> None:
        """End what is under way; sessions go on."""
        await self._bridge.aclose()
        await self._told.aclose()


async def _all(roster: DeploymentHandle[Any]) -> Told | None:
    """Ask the roster; None while it begins anew, or the machine is gone that it was on."""
    try:
        told: Told = await roster.all.remote()
    except (RayError, RayServeException):
        return None
    return told
