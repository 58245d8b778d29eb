"""Results over HTTP: the newest, all as they come, and again from where one was."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from rtc import watching
from rtc.client import RefusedError, post_offer
from rtc.config import ServerConfig
from rtc.directory import Directory
from tests.conftest import LiveServer, StartServer
from tests.events import events
from tests.media import Clip, PictureTrack, SoundTrack
from tests.peers import Peer
from tests.publishers import Publisher, sdp_offer
from tests.waiting import until

_OURS = ("rtc", "aiortc", "aioice")


async def _get(url: str, path: str) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as http, http.get(url + path) as response:
        assert response.status >= 400 or response.headers["Cache-Control"] == "no-store"
        return response.status, await response.json()


async def test_those_who_watch_see_what_the_page_sees(server: LiveServer, happy_clip: Clip) -> None:
    """The events of a page's session are the messages of its data channel."""
    tracks = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
    async with Peer(server.url, *tracks) as peer:
        path = f"/sessions/{peer.client.watch_name}/events"
        async with events(server.url, path) as stream:
            watched = await stream.results(5)
        await peer.results(1)
        seen = {message.sequence: json.loads(message.to_json()) for message in peer.messages}
        assert [seen[result["sequence"]] for result in watched] == watched
        status, newest = await _get(server.url, f"/sessions/{peer.client.watch_name}")
        assert (status, newest["state"]) == (200, "live")
        assert newest["newest"]["sequence"] >= watched[-1]["sequence"]


async def test_who_comes_back_misses_nothing(server: LiveServer, happy_clip: Clip) -> None:
    """With Last-Event-ID the results in between come first, without a gap or a copy."""
    async with Publisher(server.url, SoundTrack(happy_clip.sound)) as publisher:
        async with events(server.url, publisher.events) as stream:
            event = await stream.next()
            assert event is not None
        (session,) = server.registry.sessions.values()
        missed = event.message["sequence"] + 3
        await until(lambda: json.loads(session.feed.newest or "{}").get("sequence", 0) >= missed)
        async with events(server.url, publisher.events, Last_Event_ID=event.id) as stream:
            results = await stream.results(5)
    first = event.message["sequence"] + 1
    assert [result["sequence"] for result in results] == list(range(first, first + 5))


@pytest.mark.parametrize("last", ["", "x", "-1", "1e3", "9" * 30, "٣"])
async def test_a_strange_last_event_id_is_none(
    server: LiveServer, happy_clip: Clip, last: str
) -> None:
    """What is no number of ours gives the newest result, and no error."""
    async with (
        Publisher(server.url, SoundTrack(happy_clip.sound)) as publisher,
        events(server.url, publisher.events, Last_Event_ID=last) as stream,
    ):
        await stream.results(1)


async def test_watching_may_begin_before_results_do(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch, happy_clip: Clip
) -> None:
    """Who watches a session that is silent so far is told that the line stands, again and again."""
    monkeypatch.setattr(watching, "_KEEP_ALIVE_S", 0.05)
    async with (
        Publisher(server.url, SoundTrack(happy_clip.sound)) as publisher,
        events(server.url, publisher.events) as stream,
    ):
        await stream.results(3)
        assert stream.comments >= 3


async def test_one_who_leaves_is_forgotten(server: LiveServer, happy_clip: Clip) -> None:
    """When a reader has gone without a word, its place is free at the next message."""
    async with Publisher(server.url, SoundTrack(happy_clip.sound)) as publisher:
        (session,) = server.registry.sessions.values()
        async with aiohttp.ClientSession() as http:
            response = await http.get(server.url + publisher.events)
            await until(lambda: session.feed.is_read)
            response.close()
            await until(lambda: not session.feed.is_read)
        async with events(server.url, publisher.events) as stream:
            await stream.results(2)


@pytest.mark.parametrize("path", ["/sessions/unknown", "/sessions/unknown/events"])
async def test_an_unknown_session_is_404(server: LiveServer, path: str) -> None:
    """Nobody has this name: 404 and a sentence."""
    status, fields = await _get(server.url, path)
    assert (status, "No session has this name" in str(fields["error"])) == (404, True)


async def test_a_crowd_is_told_to_wait(server: LiveServer, happy_clip: Clip) -> None:
    """The seventeenth who watches one session gets 429 and when to come back."""
    async with (
        Publisher(server.url, SoundTrack(happy_clip.sound)) as publisher,
        aiohttp.ClientSession() as http,
    ):
        url = server.url + publisher.events
        crowd = await asyncio.gather(*(http.get(url) for _ in range(16)))
        refused = await http.get(url)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "10")
        assert "Too many watch" in (await refused.json())["error"]
        refused.close()
        crowd.pop().close()
        (session,) = server.registry.sessions.values()
        await until(lambda: len(session.feed._news) < 16)
        async with events(server.url, publisher.events) as stream:
            await stream.results(1)
        for response in crowd:
            response.close()


async def test_a_server_that_stops_tells_those_who_watch(
    start_server: StartServer, happy_clip: Clip
) -> None:
    """Draining is told, and then why it ended; nobody who watches holds the server up."""
    server = await start_server(ServerConfig())
    async with (
        Publisher(server.url, SoundTrack(happy_clip.sound)) as publisher,
        events(server.url, publisher.events) as stream,
    ):
        await stream.results(1)
        await server.registry.drain(0.1)
        await server.registry.aclose()
        codes = []
        while (event := await stream.next()) is not None:
            codes.append(event.message.get("code"))
    assert [code for code in codes if code] == ["stopping", "ended"]


async def test_no_log_has_the_names(
    server: LiveServer,
    happy_clip: Clip,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who reads the log can neither watch nor end a session, even where something failed."""
    caplog.set_level("DEBUG")
    async with Publisher(server.url, SoundTrack(happy_clip.sound)) as publisher:
        async with events(server.url, publisher.events) as stream:
            await stream.results(1)
        with monkeypatch.context() as broken:
            broken.delattr(Directory, "controlled")
            assert (await publisher.ask("DELETE"))[0] == 500
        await publisher.ask("DELETE")
        await until(lambda: not server.registry.sessions)
        names = publisher.events.split("/")[2], publisher.location.split("/")[2]
    said = [f"{r.getMessage()} {vars(r)}" for r in caplog.records if r.name.startswith(_OURS)]
    assert said
    assert not [line for line in said if any(name in line for name in names)]


async def test_who_offers_again_with_the_key_is_watched_by_the_same_name(
    server: LiveServer, happy_clip: Clip
) -> None:
    """The key of an answer keeps the name, and ends the session before."""
    connection, sdp = await sdp_offer(SoundTrack(happy_clip.sound))
    await connection.close()
    offer = {"sdp": sdp, "type": "offer"}
    first = await post_offer(server.url, offer)
    second = await post_offer(server.url, offer | {"key": first["key"]})
    assert (second["session"], second["key"]) == (first["session"], first["key"])
    await until(lambda: len(server.registry.sessions) == 1)
    other = await post_offer(server.url, offer | {"key": None})
    assert other["session"] != first["session"]
    for strange, sentence in (("short", "22 to 64"), (5, "must be a string")):
        with pytest.raises(RefusedError, match=sentence):
            await post_offer(server.url, offer | {"key": strange})
