"""The client in Python, at a real server."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rtc.client import EmotionClient, RefusedError
from rtc.config import ServerConfig, SessionConfig
from rtc.doors import Doors
from rtc.offering import Door
from tests.conftest import LiveServer, StartServer
from tests.media import Clip, PictureTrack, SoundTrack
from tests.turn import running_turn

_TOKEN = "a&token+more"


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


async def test_others_can_watch_by_the_link(start_server: StartServer, happy_clip: Clip) -> None:
    """The name is the server's, and the link has it and the token, fit for an address."""
    server = await start_server(ServerConfig(doors=Doors(token=_TOKEN)))
    async with EmotionClient(server.url, token=_TOKEN) as client:
        assert (client.watch_name, client.watch_url) == (None, None)
        await client.publish(SoundTrack(happy_clip.sound))
        await anext(client.results())
        assert client.watch_url == (
            f"{server.url}/watch#session={client.watch_name}&token=a%26token%2Bmore"
        )
        headers = {"Authorization": f"Bearer {_TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.get(f"{server.url}/sessions/{client.watch_name}") as response,
        ):
            assert (await response.json())["state"] == "live"


async def test_notices_reach_whoever_listens(server: LiveServer, happy_clip: Clip) -> None:
    """What the server says besides results comes by ``on_text``."""
    said: list[dict[str, str]] = []
    async with EmotionClient(
        server.url, on_text=lambda text: said.append(json.loads(text))
    ) as client:
        await client.publish(SoundTrack(happy_clip.sound))
        await anext(client.results())
        (session,) = server.registry.sessions.values()
        session.tell("stopping", "It stops soon.")
        await anext(client.results())
    assert [m["text"] for m in said if m["type"] == "notice"] == ["It stops soon."]


async def test_settings_are_changed_and_refused(server: LiveServer, happy_clip: Clip) -> None:
    """The reply to each change is the one to it, whether it was taken or not."""
    async with EmotionClient(server.url) as client:
        await client.publish(SoundTrack(happy_clip.sound))
        assert (await client.change(w_voice=0.25))["w_voice"] == 0.25
        assert "between 0 and 1" in (await client.change(w_voice=3))["reason"]


async def test_nothing_is_changed_once_it_has_ended(server: LiveServer, happy_clip: Clip) -> None:
    """Whichever side hung up, asking, or waiting for a reply, is an error at once that says so."""
    async with EmotionClient(server.url) as client:
        await client.publish(SoundTrack(happy_clip.sound))
        await anext(client.results())
        client.channel.send = lambda _: None  # so that no reply comes
        asking = asyncio.create_task(client.change(w_voice=0.5), name="asking")
        await server.registry.aclose()
        with pytest.raises(ConnectionError, match=r"has ended .+ connect with another client"):
            await asking
        with pytest.raises(ConnectionError, match="has ended"):
            await client.change(w_voice=0.5)
    async with EmotionClient(server.url) as client:
        pass
    with pytest.raises(ConnectionError, match="this client has hung up"):
        await client.change(w_voice=0.5)


async def test_the_server_says_by_which_ways_it_is_reached(
    start_server: StartServer, happy_clip: Clip, tmp_path: Path
) -> None:
    """Behind a TURN server it is reached without settings; ICE servers that are given, be it none,
    are used instead.
    """
    with running_turn(tmp_path) as turn:
        session = SessionConfig(ice_servers=(turn.ice_server(),), ice_relay_only=True)
        server = await start_server(ServerConfig(session=session))
        async with EmotionClient(server.url) as client:
            await client.publish(SoundTrack(happy_clip.sound))
            assert await anext(client.results())
            assert _candidate_types(client) == {"relay"}
            assert client.gone is None
        async with EmotionClient(server.url, ice_servers=()) as client:
            await client.publish(SoundTrack(happy_clip.sound))
            assert _candidate_types(client) == {"host"}


def _candidate_types(client: EmotionClient) -> set[str]:
    sdp = client.connection.localDescription.sdp
    return set(re.findall(r"(?m)^a=candidate:.* typ (\w+)", sdp))


@pytest.mark.parametrize("servers", [None, [{"urls": ["http://127.0.0.1"]}], [{}], ["stun:a"]])
async def test_ice_servers_that_are_none_are_a_refusal(servers: object, happy_clip: Clip) -> None:
    """Whatever the server names, it is one error that says what is wrong with it."""

    async def config(_: web.Request) -> web.Response:
        return web.json_response({"ice_servers": servers})

    application = web.Application()
    application.router.add_get("/config", config)
    async with TestServer(application) as other:
        client = EmotionClient(str(other.make_url("/")))
        with pytest.raises(RefusedError, match="ICE servers cannot be read"):
            await client.publish(SoundTrack(happy_clip.sound))


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


async def test_another_kind_of_server_is_told_from_ours(happy_clip: Clip) -> None:
    """An answer that is none of ours is a refusal that says to check the address."""
    async with TestServer(web.Application()) as other:
        client = EmotionClient(str(other.make_url("/")))
        with pytest.raises(RefusedError, match=r"404.*check the address"):
            await client.publish(SoundTrack(happy_clip.sound))


def test_a_fingerprint_that_is_none_is_refused() -> None:
    """It says what one looks like."""
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        Door("https://127.0.0.1", fingerprint="AB:CD")
