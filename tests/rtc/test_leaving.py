"""What stays of those who leave: no threads of decoders, no word in the log."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import psutil
import pytest

from tests.conftest import LiveServer
from tests.media import Clip, PictureTrack, SoundTrack
from tests.peers import Peer


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Have only what nobody refers to any more be freed, as between two looks of the collector."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def until(holds: Callable[[], bool], within_s: float = 5.0) -> None:
    """Wait until something holds that sets no event."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110  as said
            await asyncio.sleep(0.02)


async def stay(server: LiveServer, clip: Clip) -> None:
    """Come with sound and pictures, get results, and leave."""
    async with Peer(server.url, SoundTrack(clip.sound), PictureTrack(clip.pictures)) as peer:
        await peer.results(3)
    await until(lambda: not server.registry.sessions)


@pytest.mark.usefixtures("no_collector")
async def test_who_leaves_takes_their_threads_along(server: LiveServer, happy_clip: Clip) -> None:
    """Decoders and resamplers have threads of their own, which end with the session, at once."""
    await stay(server, happy_clip)  # the pools that are filled once, of the client too
    gc.collect()
    before = psutil.Process().num_threads()
    for _ in range(3):
        await stay(server, happy_clip)
    await until(lambda: psutil.Process().num_threads() <= before)


async def test_an_offer_that_breaks_off_is_no_fault(
    server: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever goes away in the middle of a request is counted as refused, and nobody is alarmed."""
    address, body = urlsplit(server.url), json.dumps({"sdp": "v=0", "type": "offer"})
    head = f"POST /offer HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n"
    with caplog.at_level(logging.INFO):
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(f"{head}Content-Type: application/json\r\n\r\n{body[:9]}".encode())
        await writer.drain()
        await asyncio.sleep(0.1)  # the server waits for the rest by now
        writer.transport.abort()
        await until(lambda: "refused" in caplog.text)
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]
