"""What a server holds: memory, file descriptors, threads, tasks, and people."""

from __future__ import annotations

import asyncio
import time
from dataclasses import astuple, dataclass

from eval.bench.benched_server import BenchedServer
from eval.bench.metrics import read_families

_LOOK_INTERVAL_S = 0.5
_UNCHANGED_S = 5.0  # longer than aiohttp keeps a connection that nobody uses


@dataclass(frozen=True)
class Held:
    """What can be counted, and is to be as before once everybody has left."""

    sessions: int
    file_descriptors: int
    threads: int
    tasks: int

    def is_within(self, other: Held) -> bool:
        """Whether nothing is more than in ``other``."""
        return all(
            mine <= theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)
        )


@dataclass(frozen=True)
class Figures:
    """Of a server at one moment."""

    resident_mb: float
    held: Held


async def read(server: BenchedServer) -> Figures:
    """Read a server's figures.

    Raises:
        aiohttp.ClientError: it does not answer.
        psutil.NoSuchProcess: it is not there any more.
    """
    families = await read_families(server.url)
    held = Held(
        sessions=round(families["emotion_sessions"].samples[0].value),
        file_descriptors=server.file_descriptors(),
        threads=server.threads(),
        tasks=round(families["emotion_tasks"].samples[0].value),
    )
    return Figures(round(server.resident_mb(), 1), held)


async def at_rest(
    server: BenchedServer, patience_s: float, as_before: Held | None = None
) -> Figures:
    """Wait until nobody is there and nothing changes any more; return what is held then.

    Args:
        server: to look at.
        patience_s: after which the figures are returned as they are.
        as_before: what the server held once; what stays above that is waited for, too.
    """
    until = time.monotonic() + patience_s
    figures, since = await read(server), time.monotonic()
    while (now := time.monotonic()) < until:
        is_empty = not figures.held.sessions
        is_back = as_before is None or figures.held.is_within(as_before)
        if is_empty and is_back and now - since >= _UNCHANGED_S:
            break
        await asyncio.sleep(_LOOK_INTERVAL_S)
        before, figures = figures, await read(server)
        if figures.held != before.held:
            since = time.monotonic()
    return figures
