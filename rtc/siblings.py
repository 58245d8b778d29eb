"""Asks the other workers for a session that this one does not have: they share a port alone."""

from __future__ import annotations

import functools
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from rtc.refusals import RefusalError, is_of_worker
from rtc.streaming import write_out

SIBLINGS: web.AppKey[Path] = web.AppKey("siblings")
"""The folder in which each worker has a socket; not there when there is but one process."""

_Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

# Nobody has this name, or has it any more: its publisher may have come back to another worker.
_NOT_HERE = {404, 410}
_SILENCE_S = 60.0  # events come at least each 15 s
# Of one hop (RFC 9110, section 7.6.1); each hop has its own. Nothing here is packed.
_OF_ONE_HOP = (
    hdrs.CONNECTION, hdrs.KEEP_ALIVE, hdrs.TRANSFER_ENCODING, hdrs.CONTENT_LENGTH,
    hdrs.ACCEPT_ENCODING,
)  # fmt: skip


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
    body = await request.read()
    for path in _sockets_in(folder):
        if path != socket_of(folder) and (answer := await _ask(request, body, path)) is not None:
            return answer
    return None


def _sockets_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.sock"))


async def _ask(request: web.Request, body: bytes, path: Path) -> web.StreamResponse | None:
    url = URL(f"http://worker{request.rel_url}", encoded=True)
    timeout = aiohttp.ClientTimeout(total=None, sock_read=_SILENCE_S)
    connector = aiohttp.UnixConnector(str(path))
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as http,
            http.request(request.method, url, headers=_passed_on(request), data=body) as answer,
        ):
            if answer.status in _NOT_HERE:
                return None
            reply = web.StreamResponse(status=answer.status, headers=_passed_on(answer))
            return await write_out(request, reply, _pieces(answer))
    except (aiohttp.ClientError, OSError, TimeoutError):
        return None  # a worker that has died


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    async for piece in answer.content.iter_any():
        yield piece


def _passed_on(message: web.Request | aiohttp.ClientResponse) -> CIMultiDict[str]:
    headers = CIMultiDict(message.headers)
    for name in _OF_ONE_HOP:
        headers.popall(name, None)
    return headers
