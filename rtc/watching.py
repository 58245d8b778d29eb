"""Results for others than the peer: the newest, or all as they come (server-sent events)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from aiohttp import hdrs, web

from rtc.feed import Feed, Told, TooManyReadersError
from rtc.keys import CONFIG, REGISTRY
from rtc.naming import names_of
from rtc.refusals import RefusalError, come_again
from rtc.session import PeerSession
from rtc.siblings import by_its_worker
from rtc.streaming import streamed, write_out

_KEEP_ALIVE_S = 15.0  # as WHATWG HTML, section 9.2.7, advises: proxies close what is silent

_NOT_KEPT = {hdrs.CACHE_CONTROL: "no-store"}


def add_watching(app: web.Application) -> None:
    """Serve ``/sessions``, ``/sessions/{name}`` and its events."""
    app.router.add_post("/sessions", new_names)
    app.router.add_get("/sessions/{name}", by_its_worker(newest))
    app.router.add_get("/sessions/{name}/events", by_its_worker(events), allow_head=False)


async def new_names(request: web.Request) -> web.Response:  # noqa: ARG001  aiohttp's signature
    """``POST /sessions``: a key to send with, and where to send to and to watch then.

    Nothing is kept: who has a key may use it when they will.
    """
    names = names_of()
    fields = {
        "key": names.key,
        "session": names.watch,
        "whip": f"/whip?key={names.key}",
        "events": f"/sessions/{names.watch}/events",
        "watch": f"/watch#session={names.watch}",
    }
    return web.json_response(fields, status=201, headers=_NOT_KEPT)


async def newest(request: web.Request) -> web.Response:
    """``GET /sessions/{name}``: how the session is, and its newest result."""
    session = _watched(request)
    # What it is made of is JSON already.
    text = f'{{"state":"{session.state}","newest":{session.feed.newest or "null"}}}'
    return web.json_response(text=text, headers=_NOT_KEPT)


async def events(request: web.Request) -> web.StreamResponse:
    """``GET /sessions/{name}/events``: each message as it comes, until the session ends.

    ``Last-Event-ID`` says which came last to who comes back; what was missed and is still kept
    comes first.
    """
    feed = _watched(request).feed
    try:
        with feed.reader() as news:
            told = _told(feed, news, _last_event(request))
            return await write_out(request, streamed("text/event-stream"), told)
    except TooManyReadersError as error:
        retry_after_s = request.app[CONFIG].retry_after_s
        sentence = f"Too many watch this session; try again in {retry_after_s} seconds."
        raise come_again(429, "watchers", sentence, retry_after_s) from error


async def _told(feed: Feed, news: asyncio.Event, number: int | None) -> AsyncGenerator[bytes, None]:
    """Yield what came after the event of this number, and what comes, until the session ends."""
    while True:
        news.clear()
        has_ended = feed.has_ended  # seen before the last messages are taken
        told = feed.after(number)
        if told:
            number = told[-1].number
        # Also when there is nothing yet: who waits is to know that it is the right place.
        yield ("".join(map(_event, told)) or ": keep-alive\n\n").encode()
        if has_ended:
            return
        await _wait(news)


async def _wait(news: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(_KEEP_ALIVE_S):
            await news.wait()
    except TimeoutError:
        return


def _event(told: Told) -> str:
    return f"id: {told.number}\ndata: {told.json}\n\n"


def _last_event(request: web.Request) -> int | None:
    text = request.headers.get("Last-Event-ID", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _watched(request: web.Request) -> PeerSession:
    """Return the session that a request names.

    Raises:
        RefusalError: there is none.
    """
    directory, name = request.app[REGISTRY].directory, request.match_info["name"]
    if session := directory.watched(name):
        return session
    if directory.was_watched(name):
        raise RefusalError(410, "gone", "This session has ended.")
    sentence = "No session has this name yet, or any more; was the link copied whole?"
    raise RefusalError(404, "not_found", sentence)
