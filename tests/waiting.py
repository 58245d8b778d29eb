"""Wait for what sets no event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], bool], within_s: float = 5.0) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: it did not come to hold in time.
    """
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110  what is waited for sets no event
            await asyncio.sleep(0.02)
