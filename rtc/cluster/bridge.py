"""Brings requests from Ray Serve, which speaks ASGI, to an aiohttp application, over a socket."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from aiohttp import hdrs, web
from starlette.requests import Request
from starlette.responses import StreamingResponse
from yarl import URL

from rtc.cluster.front import PEER_ADDRESS
from rtc.forwarding import passed_on

_SHUTDOWN_S = 1.0


class Bridge:
    """Serves an application of aiohttp to requests of starlette."""

    def __init__(self, app: web.Application) -> None:
        # Who goes away is to hold no place: Ray Serve cancels, and so do we.
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=_SHUTDOWN_S, handler_cancellation=True
        )
        self._folder = tempfile.TemporaryDirectory()  # which nobody else can enter
        self._http: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Listen; requests may come from now on."""
        path = str(Path(self._folder.name) / "front.sock")
        await self._runner.setup()
        await web.UnixSite(self._runner, path).start()
        self._http = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path, limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            skip_auto_headers={hdrs.ACCEPT_ENCODING},  # nobody asks for what the asker did not
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def answer(self, request: Request) -> StreamingResponse:
        """Have the application answer; what it says goes on as it comes."""
        assert self._http is not None
        headers = [pair for pair in passed_on(request.headers) if pair[0] != PEER_ADDRESS.lower()]
        headers.append((PEER_ADDRESS, request.client.host if request.client else ""))
        if packed := request.headers.get(hdrs.ACCEPT_ENCODING):
            headers.append((hdrs.ACCEPT_ENCODING, packed))
        # As it comes: whoever may not come in, or sends too much, is told so before all is here.
        has_body = {"content-length", "transfer-encoding"} & set(request.headers)
        query = f"?{request.url.query}" if request.url.query else ""
        url = URL(f"http://front{request.scope['raw_path'].decode()}{query}", encoded=True)
        answer = await self._http.request(
            request.method,
            url,
            headers=headers,
            data=request.stream() if has_body else None,
            allow_redirects=False,
        )
        response = StreamingResponse(_pieces(answer), status_code=answer.status)
        response.raw_headers = [
            (name.lower().encode(), text.encode("latin-1"))
            for name, text in passed_on(answer.headers)
            if name != hdrs.DATE  # Ray Serve says it, too
        ]
        return response

    async def aclose(self) -> None:
        """End what is under way, and listen no more."""
        if self._http is not None:
            await self._http.close()
        await self._runner.cleanup()
        await asyncio.to_thread(self._folder.cleanup)


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async with answer:
        async for piece in answer.content.iter_any():
            yield piece
