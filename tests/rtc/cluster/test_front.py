"""The ingress's application, with real replicas behind it: who answers what."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack

import aiohttp
import pytest

from rtc.client import RefusedError
from rtc.naming import place_of
from tests.events import events
from tests.media import Clip, PictureTrack, SoundTrack
from tests.peers import Peer
from tests.publishers import Publisher
from tests.rtc.cluster.small_cluster import small_cluster


async def test_two_replicas_are_one_server(happy_clip: Clip) -> None:
    """People are served by either; whoever watches, ends or counts finds them; the last is refused.

    A session that is over is said to be, though the other replica never knew of it.
    """
    sound = happy_clip.sound
    async with small_cluster(2) as (url, cluster), AsyncExitStack() as here:
        people = [await here.enter_async_context(Peer(url, SoundTrack(sound))) for _ in range(2)]
        publishers = [
            await here.enter_async_context(
                Publisher(url, SoundTrack(sound), PictureTrack(happy_clip.pictures))
            )
            for _ in range(2)
        ]
        assert {place_of(each.location.removeprefix("/whip/")) for each in publishers} == {
            duties.place for duties, _ in cluster.replicas
        }
        with pytest.raises(RefusedError, match="The server is full") as refused:
            async with Peer(url, SoundTrack(sound)):
                pass
        assert (refused.value.status, refused.value.retry_after_s) == (503, 10)
        await asyncio.gather(*(person.results(2) for person in people))
        for publisher in publishers:
            async with events(url, publisher.events) as stream:
                await stream.results(2)
        async with aiohttp.ClientSession(url) as http:
            assert await _said(http, "/healthz") == {
                "status": "ok", "replicas": 2, "sessions": 4, "max_sessions": 4,
            }  # fmt: skip
            async with http.get("/readyz") as response:
                assert (response.status, response.headers["Retry-After"]) == (503, "10")
            async with http.get("/metrics") as response:
                text = await response.text()
            counted = dict(re.findall(r'(?m)^emotion_sessions\{replica="(\w+)"\} (\S+)', text))
            places = {duties.place for duties, _ in cluster.replicas}
            assert counted == dict.fromkeys(places, "2.0")
            for publisher in publishers:
                assert (await publisher.ask("DELETE"))[0] == 200
                async with http.get(publisher.events.removesuffix("/events")) as response:
                    assert response.status == 410
                    assert "has ended" in (await response.json())["error"]


async def test_without_a_replica_it_is_said(happy_clip: Clip) -> None:
    """What needs none is there; what does gets 503 and when to come again."""
    async with small_cluster(0) as (url, _), aiohttp.ClientSession(url) as http:
        for path in ("/", "/watch", "/static/main.js", "/openapi.json"):
            async with http.get(path) as response:
                assert response.status == 200, path
        async with http.post("/sessions") as response:
            assert (await response.json())["key"]
        assert (await _said(http, "/healthz"))["status"] == "no replica is up"
        for path in ("/readyz", "/config", "/sessions/nobody"):
            async with http.get(path) as response:
                assert (response.status, response.headers["Retry-After"]) == (503, "2"), path
                assert "No replica of this server is up" in (await response.json())["error"]
        async with http.post("/analyze") as response:
            assert response.status == 403
            assert "A cluster takes no recordings" in (await response.json())["error"]
        with pytest.raises(RefusedError, match="No replica of this server is up"):
            async with Peer(url, SoundTrack(happy_clip.sound)):
                pass


async def test_a_replica_that_is_gone_is_passed_over() -> None:
    """One that no longer listens is not asked for facts; what only it may know is not denied."""
    async with small_cluster(2) as (url, cluster), aiohttp.ClientSession(url) as http:
        cluster.told = await cluster.everyone()  # and a roster learns late that one has gone
        (_, first), _ = cluster.replicas
        await first.aclose()
        async with http.get("/sessions/nobody") as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "2")
            assert "does not answer" in (await response.json())["error"]
        async with http.delete(f"/whip/{cluster.told[0].place}.x") as response:
            assert response.status == 503
        assert (await _said(http, "/config"))["models"]["voice"]["name"] == "audio_bilstm"


async def test_who_asks_must_have_the_token() -> None:
    """The cluster's own; a replica's, which an ingress shows there, opens nothing here."""
    flags = ("--token", "of-the-cluster")
    async with small_cluster(1, *flags) as (url, cluster), aiohttp.ClientSession(url) as http:
        ((duties, _),) = cluster.replicas
        for token, status in ((None, 401), (duties.secret, 401), ("of-the-cluster", 200)):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            async with http.get("/config", headers=headers) as response:
                assert response.status == status


async def _said(http: aiohttp.ClientSession, path: str) -> dict:
    async with http.get(path) as response:
        return await response.json()
