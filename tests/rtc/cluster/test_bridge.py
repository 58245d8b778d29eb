"""The bridge from Ray Serve's side, ASGI, to the ingress's application: behind a real uvicorn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from rtc.cluster.bridge import Bridge
from rtc.cluster.messages import Answered, Asked
from tests.rtc.cluster.small_cluster import SmallCluster, front_of

_METHODS = ["GET", "POST", "PATCH", "DELETE", "OPTIONS"]


class _Counting(SmallCluster):
    """Answers offers by itself, and remembers who came from where."""

    def __init__(self) -> None:
        super().__init__()
        self.came: list[tuple[Asked, str]] = []

    async def serve(self, asked: Asked, address: str) -> Answered:
        self.came.append((asked, address))
        return Answered(201, (("Content-Type", "text/plain"), ("ETag", '"1"')), b"well")


@asynccontextmanager
async def _bridged(cluster: SmallCluster, *flags: str) -> AsyncIterator[str]:
    bridge = Bridge(front_of(cluster, *flags))
    await bridge.start()

    async def answer(request: Request) -> StreamingResponse:
        return await bridge.answer(request)

    app = Starlette(routes=[Route("/{path:path}", answer, methods=_METHODS)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn sets no event
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        await bridge.aclose()


async def test_an_offer_arrives_as_it_was_sent() -> None:
    """Path, query, headers and body; and who sent it, which nobody can claim to be."""
    cluster = _Counting()
    async with _bridged(cluster) as url, aiohttp.ClientSession(url) as http:
        headers = {"Content-Type": "application/sdp", "X-Peer-Address": "198.51.100.1"}
        async with http.post("/whip?key=a%20b", data=b"v=0", headers=headers) as response:
            assert (response.status, await response.text()) == (201, "well")
            assert response.headers["ETag"] == '"1"'
    ((asked, address),) = cluster.came
    assert (asked.path, asked.body, address) == ("/whip?key=a%20b", b"v=0", "127.0.0.1")
    assert ("Content-Type", "application/sdp") in {(k.title(), v) for k, v in asked.headers}


async def test_pages_are_packed_for_those_who_ask() -> None:
    """Gzip comes to whoever takes it, and to nobody else."""
    async with _bridged(SmallCluster()) as url, aiohttp.ClientSession(url) as http:
        for accepted, coding in (("gzip", "gzip"), ("identity", None)):
            async with http.get("/", headers={"Accept-Encoding": accepted}) as response:
                assert (response.status, response.headers.get("Content-Encoding")) == (200, coding)
                assert "<title>" in await response.text()


async def test_too_much_is_refused_before_all_of_it_is_there() -> None:
    """Of a body without an end some is taken; of whoever has not the token, less."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 100_000
            yield bytes(100_000)
            await asyncio.sleep(0.01)

    flags = ("--token", "of-the-cluster")
    async with _bridged(SmallCluster(), *flags) as url, aiohttp.ClientSession(url) as http:
        for token, status, most in (("of-the-cluster", 413, 2_000_000), ("wrong", 401, 1_000_000)):
            sent = 0
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            async with http.post("/offer", data=endless(), headers=headers) as response:
                assert response.status == status
                assert "error" in await response.json()
            assert sent < most
