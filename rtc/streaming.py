"""Writes an answer as it comes, while its reader takes it; cut short, it never looks whole.

How an answer ends tells whether it is all: in HTTP/1.1 a last chunk of no bytes (RFC 9112, section
8). What ends before is therefore ended by cutting the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

import aiohttp
from aiohttp import hdrs, web

_WRITE_PATIENCE_S = 30.0  # a reader that takes nothing for so long has gone


def streamed(content_type: str) -> web.StreamResponse:
    """Return an answer that nobody keeps, and that proxies pass on as it comes."""
    headers = {
        hdrs.CONTENT_TYPE: content_type,
        hdrs.CACHE_CONTROL: "no-store",
        "X-Accel-Buffering": "no",  # proxies that collect answers before they pass them on
    }
    return web.StreamResponse(headers=headers)


async def write_out(
    request: web.Request, response: web.StreamResponse, pieces: AsyncGenerator[bytes, None]
) -> web.StreamResponse:
    """Write all ``pieces``, close them, and end the answer; return it.

    The connection is cut where the reader takes nothing for 30 s, and where ``pieces`` break off:
    with an error of a connection or of time.
    """
    await write_pieces(request, response, pieces)
    return await end(request, response)


async def write_pieces(
    request: web.Request, response: web.StreamResponse, pieces: AsyncGenerator[bytes, None]
) -> None:
    """As ``write_out``, without the end: for whoever has to tidy up before the reader sees it."""
    async with contextlib.aclosing(pieces), _cut_if_broken(request):
        await response.prepare(request)
        async for piece in pieces:
            async with asyncio.timeout(_WRITE_PATIENCE_S):
                await response.write(piece)


async def end(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """End an answer, unless its connection was cut; return it."""
    async with _cut_if_broken(request), asyncio.timeout(_WRITE_PATIENCE_S):
        if request.transport is not None and not request.transport.is_closing():
            await response.write_eof()
    return response


@contextlib.asynccontextmanager
async def _cut_if_broken(request: web.Request) -> AsyncIterator[None]:
    try:
        yield
    except (aiohttp.ClientError, ConnectionError, TimeoutError):
        if request.transport is not None:  # else whoever read has gone
            request.transport.abort()
