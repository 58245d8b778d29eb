"""The real command as a process of its own, for the tests that need it whole."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
EMBEDDED = ("--offline", "--face-model", "embedded")

Launch = Callable[..., Awaitable[Process]]


@asynccontextmanager
async def launching() -> AsyncIterator[Launch]:
    """Start ``server.py`` with arguments and extra environment; killed at the end if need be."""
    started: list[Process] = []

    async def start(*arguments: str, before: Sequence[str] = (), **environment: str) -> Process:
        process = await asyncio.create_subprocess_exec(
            *(*before, sys.executable, str(ROOT / "server.py"), *arguments),
            stdout=PIPE,
            stderr=PIPE,
            env={**os.environ, **environment},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            # What ran it, such as strace, would leave it behind, and it would hold our pipes.
            with suppress(psutil.NoSuchProcess):
                for one in psutil.Process(process.pid).children(recursive=True):
                    one.kill()
                process.kill()
        # Even of one that ended: the end of its other pipe is not to come when nobody listens.
        await process.communicate()


async def ready(process: Process, within_s: float = 30.0) -> tuple[str, str]:
    """Return the line of models and the URL, once the server serves."""
    assert process.stdout is not None
    async with asyncio.timeout(within_s):
        models = (await process.stdout.readline()).decode()
        invitation = (await process.stdout.readline()).decode()
    url = re.search(r"https?://\S+(?=/ )", invitation)
    assert url, (models, invitation)
    return models, url[0]
