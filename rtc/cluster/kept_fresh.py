"""What an ingress knows of the replicas: asked for when somebody needs it, and twice a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from rtc.clock import Clock
from rtc.cluster.messages import Seen, Told

_FRESH_S = 0.5
_WAIT_S = 0.2
_FIRST_WAIT_S = 2.0  # before anything was told
_PATIENCE_S = 5.0


class KeptFresh:
    """Gives what the roster told last, and asks it again when that is old.

    Nobody waits long for it: a roster may hang, or be on a machine that has died, and what it told
    before is still right of all others.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[Told | None]],
        clock: Clock = time.monotonic,
    ) -> None:
        """Have ``ask`` ask the roster, which returns None when it cannot."""
        self._ask = ask
        self._clock = clock
        self._told: tuple[Seen, ...] | None = None
        self._is_whole = False
        self._told_at = 0.0
        self._asking: asyncio.Task[None] | None = None

    async def everyone(self) -> tuple[Seen, ...]:
        """Return the replicas that are there, as far as is known."""
        is_old = self._told is None or self._clock() - self._told_at >= _FRESH_S
        if is_old and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask_again(), name="asking the roster")
        if is_old and self._asking is not None:
            wait_s = _FIRST_WAIT_S if self._told is None else _WAIT_S
            await asyncio.wait([self._asking], timeout=wait_s)
        return self._told or ()

    async def aclose(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _ask_again(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                told = await self._ask()
        except TimeoutError:
            return
        # One that has just begun does not know of all yet; what another told before is better.
        if told is not None and (told.is_whole or not self._is_whole):
            self._told, self._told_at = told.everyone, self._clock()
            self._is_whole = told.is_whole
