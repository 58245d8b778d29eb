"""Whose recordings are taken, and when none are."""

from __future__ import annotations

from typing import Any

import pytest

from models.loading import ModelConfig
from rtc.config import ServerConfig
from rtc.limits import AddressLimits
from rtc.uploads import UploadConfig
from tests.analyses import analysed
from tests.conftest import LiveServer, StartServer
from tests.media import Clip, SoundTrack
from tests.publishers import Publisher

pytestmark = pytest.mark.usefixtures("held")


async def _start(start_server: StartServer, **limits: Any) -> LiveServer:
    uploads = UploadConfig(ModelConfig(face_model="embedded"))
    return await start_server(ServerConfig(uploads=uploads, **limits))


async def test_a_server_that_drains_takes_no_recordings(start_server: StartServer) -> None:
    """As soon as it lets nobody in any more, 503 and when to come again is the answer."""
    server = await _start(start_server)
    await server.registry.drain(0.0)
    answer = await analysed(server.url, b"hello")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
    assert "about to stop" in answer.last["error"]


async def test_a_full_server_takes_recordings(start_server: StartServer, happy_clip: Clip) -> None:
    """Where nobody more can be live, a recording is looked at all the same."""
    server = await _start(start_server, max_sessions=1)
    async with Publisher(server.url, SoundTrack(happy_clip.sound)):
        assert (await analysed(server.url, b"hello")).status == 415


async def test_one_address_may_not_send_all_the_time(start_server: StartServer) -> None:
    """Recordings count as offers do: after as many as a minute may have, 429 and when again."""
    limits = AddressLimits(offers_per_minute=2)
    server = await _start(start_server, address_limits=limits)
    assert [(await analysed(server.url, b"hello")).status for _ in range(2)] == [415, 415]
    answer = await analysed(server.url, b"hello")
    assert answer.status == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
