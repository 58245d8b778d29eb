"""Finds a place for whoever offers: in Ray Serve's words, a session is one ongoing request.

A replica answers an offer with a stream: None as soon as there is a place, then the answer, and its
end is the end of the session. So Serve's router sends offers to where the fewest sessions are, a
replica that has as many as it may gets no more, and replicas are added as sessions come.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle, DeploymentResponseGenerator

from rtc.cluster.messages import Answered, Asked, Seen
from rtc.cluster.no_place import NoPlaceError
from rtc.config import ServerConfig
from rtc.limits import Visitors

_log = logging.getLogger(__name__)

_PAUSE_S = 0.1  # until another replica is tried
# A peer gathers its addresses first, for which a STUN server that is silent takes 5 s.
_ANSWER_PATIENCE_S = 20.0

_Stream = DeploymentResponseGenerator[Answered | None]


class Places:
    """Of the cluster, as one ingress sees it."""

    def __init__(
        self,
        replicas: DeploymentHandle[Any],
        config: ServerConfig,
        wait_s: float,
        everyone: Callable[[], Awaitable[tuple[Seen, ...]]],
    ) -> None:
        """Let offers in.

        Args:
            replicas: the deployment that serves them.
            config: of how often one address may come, and when to come to a full server again.
            wait_s: how long an offer waits for a place.
            everyone: gives the replicas that are there.
        """
        self._replicas = replicas.options(method_name="serve", stream=True)
        self._visitors = Visitors(config.address_limits, config.retry_after_s, time.monotonic)
        self._wait_s = wait_s
        self._retry_after_s = config.retry_after_s
        self._everyone = everyone
        self._sessions: set[asyncio.Task[None]] = set()

    async def serve(self, asked: Asked, address: str) -> Answered:
        """Have a replica answer an offer, and serve its peer from then on.

        Raises:
            NoPlaceError: there is none, be it that nobody is there to give one.
            rtc.limits.TooManyError: that address asks too much.
        """
        self._visitors.ask(address)
        self._visitors.enter(address)
        try:
            answered, stream = await self._answered(asked)
        except BaseException:
            self._visitors.leave(address)
            raise
        lasting = asyncio.create_task(self._last(stream, address), name="a session elsewhere")
        self._sessions.add(lasting)
        lasting.add_done_callback(self._sessions.discard)
        return answered

    async def _answered(self, asked: Asked) -> tuple[Answered, _Stream]:
        last: tuple[Answered, _Stream] | None = None
        has_place = asyncio.Event()
        try:
            async with asyncio.timeout(self._wait_s) as limit:
                while True:
                    last = await self._try(asked, limit, has_place) or last
                    if last is not None and last[0].status != 503:
                        return last
                    await asyncio.sleep(_PAUSE_S)
        except TimeoutError:
            if last is not None:
                return last  # the replica's own refusal says more
            if has_place.is_set():
                raise NoPlaceError.none_answers() from None
            everyone = await self._everyone()
            if everyone and all(seen.is_full for seen in everyone):
                raise NoPlaceError.all_are_full(self._retry_after_s) from None
            raise NoPlaceError.none_is_up() from None

    async def _try(
        self, asked: Asked, limit: asyncio.Timeout, has_place: asyncio.Event
    ) -> tuple[Answered, _Stream] | None:
        """Ask the replica that has the most room; None if it has died.

        Args:
            asked: the offer.
            limit: of the wait for a place, which stands still while a replica makes its answer.
            has_place: set while one does.
        """
        loop = asyncio.get_running_loop()
        until = limit.when()
        taken_at = None
        stream: _Stream = self._replicas.remote(asked)  # type: ignore[assignment]  # it streams
        try:
            await anext(stream)
            taken_at = loop.time()
            has_place.set()
            limit.reschedule(taken_at + _ANSWER_PATIENCE_S)
            answered = await anext(stream)
            assert answered is not None
        except (RayError, RayServeException) as error:
            _log.info("a replica did not answer: %s", type(error).__name__)
            answered = None
        except BaseException:
            stream.cancel()  # type: ignore[no-untyped-call]  # should it have an answer, its session ends
            raise
        has_place.clear()
        if until is not None and taken_at is not None:
            limit.reschedule(until + loop.time() - taken_at)
        return None if answered is None else (answered, stream)

    async def _last(self, stream: _Stream, address: str) -> None:
        """Hold the request until the session has ended, or its replica."""
        try:
            async for _ in stream:
                pass
        except (RayError, RayServeException) as error:
            _log.info("a replica has gone: %s", type(error).__name__)
        finally:
            self._visitors.leave(address)
