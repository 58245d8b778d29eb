"""Asks the other workers for a session that this one does not have: they share a port alone."""

from __future__ import annotations

import functools
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from aiohttp import web

from rtc.forwarding import PATIENCE, forward
from rtc.refusals import RefusalError, is_of_worker

SIBLINGS: web.AppKey[Path] = web.AppKey("siblings")
"""The folder in which each worker has a socket; not there when there is but one process."""

_Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

# Nobody has this name, or has it any more: its publisher may have come back to another worker.
_NOT_HERE = {404, 410}


def socket_of(folder: Path) -> Path:
    """Return where this process listens for its siblings."""
    return folder / f"{os.getpid()}.sock"


def by_its_worker(handler: _Answer) -> _Answer:
    """Have whichever worker has the session answer."""

    @functools.wraps(handler)
    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except RefusalError as error:
            siblings = request.app.get(SIBLINGS)
            if error.status not in _NOT_HERE or siblings is None or is_of_worker(request):
                raise
            answer = await _ask_all(request, siblings)
            if answer is None:
                raise
            return answer

    return answered


async def _ask_all(request: web.Request, folder: Path) -> web.StreamResponse | None:
    """Return the answer of the first who knows the session, or None."""
    for path in _sockets_in(folder):
        if path != socket_of(folder) and (answer := await _ask(request, path)) is not None:
            return answer
    return None


def _sockets_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.sock"))


async def _ask(request: web.Request, path: Path) -> web.StreamResponse | None:
    connector = aiohttp.UnixConnector(str(path))
    async with aiohttp.ClientSession(connector=connector, timeout=PATIENCE) as http:
        return await forward(request, http, "http://worker", but=_NOT_HERE)
