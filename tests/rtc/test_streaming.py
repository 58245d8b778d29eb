"""Answers that are written as they come: how they end when not all of them can be written.

Each is read from whoever makes it, and by way of a worker that asks the one that makes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from rtc.refusals import RefusalError
from rtc.siblings import SIBLINGS, by_its_worker
from rtc.streaming import streamed, write_out

_Handler = Callable[[web.Request], object]


@contextlib.asynccontextmanager
async def _listening(
    handler: _Handler, folder: Path, siblings: Path | None = None
) -> AsyncIterator[str]:
    """Serve ``/``; return the URL. Workers that ask others find it in ``folder``."""
    app = web.Application()
    app.router.add_get("/", handler)
    if siblings:
        app[SIBLINGS] = siblings
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.UnixSite(runner, str(folder / "other.sock")).start()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[1][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@by_its_worker
async def _not_here(request: web.Request) -> web.StreamResponse:  # noqa: ARG001  as all handlers
    raise RefusalError(404, "not_found", "It is elsewhere.")


@contextlib.asynccontextmanager
async def _way_to(handler: _Handler, tmp_path: Path, *, by_sibling: bool) -> AsyncIterator[str]:
    """Serve what ``handler`` says; return where it is read."""
    maker, asker = tmp_path / "maker", tmp_path / "asker"
    maker.mkdir()
    asker.mkdir()
    async with contextlib.AsyncExitStack() as running:
        url = await running.enter_async_context(_listening(handler, maker))
        if by_sibling:
            url = await running.enter_async_context(_listening(_not_here, asker, maker))
        yield url


async def _endless(closed: asyncio.Event) -> AsyncGenerator[bytes, None]:
    try:
        while True:
            yield b"x" * 65_536
    finally:
        closed.set()


@contextlib.asynccontextmanager
async def _silent(url: str) -> AsyncIterator[socket.socket]:
    """Ask, and read nothing."""
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        silent.setblocking(False)
        await loop.sock_connect(silent, (address.hostname, address.port))
        await loop.sock_sendall(silent, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        yield silent


async def _end_of(silent: socket.socket) -> bytes:
    newest = b""
    with contextlib.suppress(ConnectionResetError):
        while received := await asyncio.get_running_loop().sock_recv(silent, 1 << 20):
            newest = received
    return newest[-16:]


async def _see_cut_off(
    way: contextlib.AbstractAsyncContextManager[str], given_up: asyncio.Event
) -> None:
    """See that whoever reads nothing is given up, and that what has come does not look whole."""
    async with asyncio.timeout(10), way as url, _silent(url) as silent:
        await given_up.wait()
        assert not (await _end_of(silent)).endswith(b"0\r\n\r\n")


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have patience of less than the half minute."""
    monkeypatch.setattr("rtc.streaming._WRITE_PATIENCE_S", 0.3)


async def test_a_reader_who_takes_nothing_is_cut_off(tmp_path: Path) -> None:
    """What is written is closed, and what has come does not look like all of it."""
    closed = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        return await write_out(request, streamed("text/plain"), _endless(closed))

    await _see_cut_off(_way_to(answer, tmp_path, by_sibling=False), closed)


async def test_a_reader_who_takes_nothing_from_a_sibling_is_cut_off(tmp_path: Path) -> None:
    """The worker between lets both go, even where the one that makes the answer has patience."""
    closed = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = streamed("text/plain")
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            async for piece in (pieces := _endless(closed)):
                await response.write(piece)
        await pieces.aclose()
        return response

    await _see_cut_off(_way_to(answer, tmp_path, by_sibling=True), closed)


async def test_a_reader_who_does_not_take_the_end_is_cut_off(tmp_path: Path) -> None:
    """The end of an answer, too, is waited for no longer than the patience lasts."""
    cut = asyncio.Event()

    async def little() -> AsyncGenerator[bytes, None]:
        yield b"x" * 60_000  # more than the system takes, less than aiohttp waits for

    async def answer(request: web.Request) -> web.StreamResponse:
        assert isinstance(request.transport, asyncio.Transport)
        request.transport.set_write_buffer_limits(high=0)
        own = request.transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
        response = await write_out(request, streamed("text/plain"), little())
        cut.set()
        return response

    await _see_cut_off(_way_to(answer, tmp_path, by_sibling=False), cut)


@pytest.mark.parametrize("by_sibling", [False, True], ids=["itself", "by sibling"])
async def test_what_breaks_off_does_not_look_whole(tmp_path: Path, *, by_sibling: bool) -> None:
    """When whoever makes the answer goes in the middle of it, its reader can tell."""

    async def broken() -> AsyncGenerator[bytes, None]:
        yield b"a beginning"
        raise ConnectionResetError

    async def answer(request: web.Request) -> web.StreamResponse:
        return await write_out(request, streamed("text/plain"), broken())

    async with (
        asyncio.timeout(10),
        _way_to(answer, tmp_path, by_sibling=by_sibling) as url,
        aiohttp.ClientSession() as http,
        http.get(url) as response,
    ):
        with pytest.raises(aiohttp.ClientError):
            await response.read()


@pytest.mark.parametrize("by_sibling", [False, True], ids=["itself", "by sibling"])
async def test_what_is_whole_comes_whole(tmp_path: Path, *, by_sibling: bool) -> None:
    """All that is made is read, as what it is, and its end is one."""

    async def pieces() -> AsyncGenerator[bytes, None]:
        for piece in (b"one", b"two"):
            yield piece

    async def answer(request: web.Request) -> web.StreamResponse:
        return await write_out(request, streamed("application/x-ndjson"), pieces())

    async with (
        asyncio.timeout(10),
        _way_to(answer, tmp_path, by_sibling=by_sibling) as url,
        aiohttp.ClientSession() as http,
        http.get(url) as response,
    ):
        assert await response.read() == b"onetwo"
        assert response.content_type == "application/x-ndjson"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Accel-Buffering"] == "no"
