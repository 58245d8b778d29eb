"""Recordings sent to a server to be analysed, for the tests of that, and what is left of them."""

from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil

StartAnalysing = Callable[..., Awaitable[str]]


@dataclass(frozen=True)
class Answer:
    """What a server answered.

    Attributes:
        status: of HTTP.
        headers: the same.
        lines: of JSON; a refusal is one.
    """

    status: int
    headers: dict[str, str]
    lines: list[dict[str, Any]]

    @property
    def moments(self) -> list[dict[str, Any]]:
        """The lines that are moments."""
        return [line for line in self.lines if line["type"] == "moment"]

    @property
    def last(self) -> dict[str, Any]:
        """The line that ends the answer."""
        return self.lines[-1]


async def analysed(url: str, body: object, **headers: str) -> Answer:
    """Send a recording and wait for the whole answer; ``_`` in names of headers is ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/analyze", data=readable(body), headers=named) as response,
    ):
        lines = [json.loads(line) async for line in response.content]
        return Answer(response.status, dict(response.headers), lines)


def readable(body: object) -> object:
    """Return a body as aiohttp likes it: it warns of many bytes at once."""
    return io.BytesIO(body) if isinstance(body, bytes) else body


def analysts(server: psutil.Process | None = None) -> list[psutil.Process]:
    """Return the processes that analyse for a server, this process being one, too."""
    found = []
    for child in (server or psutil.Process()).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "rtc.analyst" in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found


def held_in(folder: Path, server: psutil.Process | None = None) -> list[str]:
    """Return what a server holds in a folder, files without a name among it."""
    links = Path(f"/proc/{server.pid if server else 'self'}/fd")
    targets = []
    for link in links.iterdir() if links.exists() else ():
        with suppress(FileNotFoundError):
            targets.append(str(link.readlink()))
    nameless = [target for target in targets if target.startswith(f"{folder}/")]
    return nameless + [str(path) for path in folder.rglob("*")]
