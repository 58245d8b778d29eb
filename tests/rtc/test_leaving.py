"""What stays of those who leave: no decoder, no word in the log."""

from __future__ import annotations

import asyncio
import json
import logging
from urllib.parse import urlsplit

import pytest

from tests.conftest import LiveServer
from tests.media import Clip, PictureTrack, SoundTrack
from tests.peers import Peer
from tests.waiting import until


async def test_who_leaves_takes_their_decoders_along(server: LiveServer, happy_clip: Clip) -> None:
    """What decodes is let go with the session, at once, though aiortc's objects hold each other,
    and it, until Python's collector comes.
    """
    async with Peer(
        server.url, SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
    ) as peer:
        await peer.results(3)
        (session,) = server.registry.sessions.values()
        sound, pictures = session._sound, session._pictures
        assert sound._decoder is not None
        assert pictures._decoder is not None
    await until(lambda: not server.registry.sessions)
    assert sound._decoder is None
    assert pictures._decoder is None


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
