"""The client in Python, at a real server."""

from __future__ import annotations

import aiohttp
import pytest

from rtc.client import EmotionClient, RefusedError
from rtc.config import ServerConfig
from tests.conftest import LiveServer, StartServer
from tests.media import Clip, PictureTrack, SoundTrack


async def test_results_come_once_and_in_order_until_the_client_leaves(
    server: LiveServer, happy_clip: Clip
) -> None:
    """What came before anybody asked is there, nothing comes twice, and leaving ends the loop."""
    seen = []
    async with EmotionClient(server.url + "/") as client:
        await client.publish(SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures))
        async for result in client.results():
            seen.append(result.sequence)
            if len(seen) == 4:
                await client.aclose()
    assert seen == [0, 1, 2, 3]
    assert client.gone is None


async def test_results_end_when_the_server_does(server: LiveServer, happy_clip: Clip) -> None:
    """When the server hangs up, the loop ends by itself, and the client knows why."""
    async with EmotionClient(server.url) as client:
        await client.publish(SoundTrack(happy_clip.sound))
        async for result in client.results():
            if result.sequence == 1:
                await server.registry.aclose()
        assert client.gone is not None


async def test_settings_are_changed_and_refused(server: LiveServer, happy_clip: Clip) -> None:
    """The reply to each change is the one to it, whether it was taken or not."""
    async with EmotionClient(server.url) as client:
        await client.publish(SoundTrack(happy_clip.sound))
        assert (await client.change(w_voice=0.25))["w_voice"] == 0.25
        assert "between 0 and 1" in (await client.change(w_voice=3))["reason"]


async def test_a_refusal_says_why_and_when_to_come_again(
    start_server: StartServer, happy_clip: Clip
) -> None:
    """At a full server the error has the status, the sentence and the seconds."""
    server = await start_server(ServerConfig(max_sessions=1))
    async with EmotionClient(server.url) as first, EmotionClient(server.url) as second:
        await first.publish(SoundTrack(happy_clip.sound))
        with pytest.raises(RefusedError, match="503") as refusal:
            await second.publish(SoundTrack(happy_clip.sound))
    assert (refusal.value.status, refusal.value.retry_after_s) == (503, 10)
    assert refusal.value.sentence == "The server is full. Try again in 10 seconds."


async def test_nobody_there_is_an_error_at_once(happy_clip: Clip) -> None:
    """Where no server listens, publishing raises what aiohttp says of it."""
    async with EmotionClient("http://127.0.0.1:9") as client:
        with pytest.raises(aiohttp.ClientError):
            await client.publish(SoundTrack(happy_clip.sound))
