"""Every answer that the OpenAPI description names can be had, and is as it says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp
import pytest
import yarl

from rtc.config import ServerConfig, SessionConfig
from rtc.doors import Doors
from rtc.limits import AddressLimits
from tests.conftest import LiveServer, StartServer
from tests.media import Clip, PictureTrack, SoundTrack
from tests.publishers import Publisher
from tests.rtc.answers import (
    AS_SDP,
    DESCRIPTION,
    FULL,
    GUARDED,
    IN_OTHER_TESTS,
    LIMITED,
    PLAIN,
    SDP,
    Case,
)
from tests.waiting import until

_TOKEN = "a-token-for-this-test"


@dataclass(frozen=True)
class Names:
    """Of a session: where it is watched, where it is ended, and its tag."""

    watch: str
    control: str
    etag: str = ""


def test_every_answer_that_is_described_is_asked_for() -> None:
    """A status that is added to the description needs a request that gets it."""
    described = {
        (name, int(status))
        for name, operation in DESCRIPTION.operations.items()
        for status in operation.responses
    }
    asked = {(case.operation, case.status) for case in PLAIN + GUARDED + FULL + LIMITED}
    assert asked | IN_OTHER_TESTS == described
    assert not asked & IN_OTHER_TESTS


def test_who_must_have_a_token_is_told_so() -> None:
    """401 is described where the token is, and nowhere else."""
    for operation in DESCRIPTION.operations.values():
        assert ("401" in operation.responses) == operation.needs_token, operation.name


async def test_the_answers_of_a_server(start_server: StartServer) -> None:
    """Each request gets the status in the table, with headers and body as described."""
    server = await start_server(ServerConfig(session=SessionConfig(connect_timeout_s=60.0)))
    async with aiohttp.ClientSession() as http:
        sessions = {name: await _publish(http, server) for name in ("live", "spare", "ended")}
        await (await http.delete(f"{server.url}/whip/{sessions['ended'].control}")).read()
        await until(lambda: len(server.registry.sessions) == 2)
        for case in PLAIN:
            await _check(http, server, case, sessions)


async def test_the_answers_of_a_guarded_server(start_server: StartServer) -> None:
    """Without the token, all that needs it gets 401, and all else does not."""
    server = await start_server(ServerConfig(doors=Doors(_TOKEN)))
    async with aiohttp.ClientSession() as http:
        for case in GUARDED:
            await _check(http, server, case)
        for name, operation in DESCRIPTION.operations.items():
            if not operation.needs_token:
                await _check(http, server, Case(name, 200))


async def test_the_answers_of_a_full_server(start_server: StartServer) -> None:
    """Nobody more is served: 503, and when to come again."""
    server = await start_server(ServerConfig(max_sessions=1))
    async with aiohttp.ClientSession() as http:
        await _publish(http, server)
        for case in FULL:
            await _check(http, server, case)


async def test_the_answers_to_one_who_asks_too_often(start_server: StartServer) -> None:
    """One offer a minute is taken; the next gets 429, and when to come again."""
    server = await start_server(ServerConfig(address_limits=AddressLimits(offers_per_minute=1)))
    async with aiohttp.ClientSession() as http:
        await _publish(http, server)
        for case in LIMITED:
            await _check(http, server, case)


@pytest.mark.parametrize("name", ["main.js/x", "..%2fserver.py", "a%00b", "a" * 300])
async def test_a_name_that_is_no_files_is_answered_as_described(
    server: LiveServer, name: str
) -> None:
    """Whatever is asked for instead of a file gets 404 and a sentence."""
    url = yarl.URL(f"{server.url}/static/{name}", encoded=True)
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        assert answer.status == 404
        DESCRIPTION.check_answer("getFile", 404, answer.headers, await answer.read())


async def test_head_is_answered_without_a_body(server: LiveServer) -> None:
    """HEAD goes without saying (RFC 9110, section 9.3.2), but for events, which never end."""
    async with aiohttp.ClientSession() as http:
        name = (await _publish(http, server)).watch
        for operation in DESCRIPTION.operations.values():
            if operation.method == "GET":
                url = server.url + operation.path.format(name=name, path="main.js")
                async with http.head(url) as answer:
                    status = 405 if operation.name == "getEvents" else 200
                    assert (answer.status, await answer.read()) == (status, b""), url


async def test_a_stream_of_events_is_as_described(server: LiveServer, happy_clip: Clip) -> None:
    """Each event of a real session, from the first to the notice of its end, is as described."""
    tracks = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
    async with Publisher(server.url, *tracks) as publisher, aiohttp.ClientSession() as http:
        (session,) = server.registry.sessions.values()
        async with asyncio.timeout(30.0), http.get(server.url + publisher.events) as answer:
            await until(lambda: '"evidence":"both"' in (session.feed.newest or ""), 20.0)
            assert (await publisher.ask("DELETE"))[0] == 200
            body = await answer.read()
    assert b'"evidence":"both"' in body
    assert b'"code":"ended"' in body
    DESCRIPTION.check_answer("getEvents", answer.status, answer.headers, body)


async def test_a_crowd_is_answered_as_described(server: LiveServer) -> None:
    """Who comes when as many watch as may gets 429, and when to come again."""
    async with AsyncExitStack() as watching:
        http = await watching.enter_async_context(aiohttp.ClientSession())
        url = f"{server.url}/sessions/{(await _publish(http, server)).watch}/events"
        for _ in range(16):
            await watching.enter_async_context(http.get(url))
        async with http.get(url) as answer:
            body = await answer.read()
    assert answer.status == 429
    DESCRIPTION.check_answer("getEvents", 429, answer.headers, body)


async def _publish(http: aiohttp.ClientSession, server: LiveServer) -> Names:
    """Have a session, by the description's own example."""
    async with http.post(f"{server.url}/whip", data=SDP, headers=AS_SDP) as answer:
        assert answer.status == 201, await answer.text()
        watch = answer.headers["Link"].split("/")[2]
        control = answer.headers["Location"].rpartition("/")[2]
        return Names(watch, control, answer.headers["ETag"])


async def _check(
    http: aiohttp.ClientSession,
    server: LiveServer,
    case: Case,
    sessions: Mapping[str, Names] | None = None,
) -> None:
    operation = DESCRIPTION.operations[case.operation]
    sessions = sessions or {}
    live, named = (sessions.get(name, Names("x", "x")) for name in ("live", case.of))
    name = named.control if operation.path.startswith("/whip") else named.watch
    file = "nothing.js" if case.of == "nobody" else "main.js"
    path = operation.path.format(name=name, path=file) + case.query
    headers = {key: value.replace("{etag}", live.etag) for key, value in case.headers.items()}
    request = http.request(
        operation.method, server.url + path, data=case.body or None, headers=headers
    )
    async with asyncio.timeout(10.0), request as answer:
        said = await answer.read()
    assert answer.status == case.status, f"{case}: {answer.status} {said[:200]!r}"
    DESCRIPTION.check_answer(case.operation, answer.status, answer.headers, said)
