"""The HTTP application of a cluster: the pages, who may come in, and which replica serves whom.

An offer goes to whichever replica has room, through Ray Serve. All else about a session goes
straight to the replica that has it, so that those who only watch take nobody's place.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import quote

import aiohttp
from aiohttp import hdrs, web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from yarl import URL

from rtc.cluster.messages import Answered, Asked, Seen
from rtc.cluster.metrics import of_all
from rtc.cluster.no_place import NoPlaceError
from rtc.config import ServerConfig
from rtc.doors import guard
from rtc.forwarding import PATIENCE, forward, passed_on
from rtc.headers import set_headers
from rtc.limits import TooManyError
from rtc.naming import place_of
from rtc.openapi import add_openapi
from rtc.pages import add_pages
from rtc.refusals import FROM_OUTSIDE, REFUSED, RefusalError, come_again, refusals_as_json
from rtc.watching import new_names

PEER_ADDRESS = "X-Peer-Address"
"""The header in which the ingress tells who asks; nobody else can reach this application."""

Everyone = Callable[[], Awaitable[tuple[Seen, ...]]]
"""Gives the replicas that are there."""

Serve = Callable[[Asked, str], Awaitable[Answered]]
"""Has a replica serve who offers from an address; raises ``NoPlaceError`` and ``TooManyError``."""

_KNOWS_PATIENCE = aiohttp.ClientTimeout(2.0)


def create_front(config: ServerConfig, serve: Serve, everyone: Everyone) -> web.Application:
    """Build the application.

    Args:
        config: of whom to let in, and how often; of sessions the replicas know.
        serve: where offers go.
        everyone: gives the replicas that are there.
    """
    middlewares = [_of_its_peer, refusals_as_json]
    app = web.Application(client_max_size=config.max_offer_bytes, middlewares=middlewares)
    set_headers(app)
    guard(app, config.doors)
    app[REFUSED] = Counter[str]()
    add_pages(app)
    add_openapi(app)
    replicas = _Replicas(serve, everyone, config)
    app.cleanup_ctx.append(replicas.connected)
    for path in ("/offer", "/whip"):
        app.router.add_post(path, replicas.serve)
    app.router.add_route("*", "/whip/{name}", replicas.by_place)
    app.router.add_get("/sessions/{name}", replicas.by_all)
    app.router.add_get("/sessions/{name}/events", replicas.by_all, allow_head=False)
    app.router.add_get("/healthz", replicas.health)
    app.router.add_get("/readyz", replicas.readiness)
    app.router.add_get("/metrics", replicas.metrics)
    app.router.add_post("/sessions", new_names)
    app.router.add_get("/config", replicas.by_any)
    app.router.add_route("OPTIONS", "/whip", replicas.by_any)
    app.router.add_post("/analyze", _no_analysis)
    return app


@web.middleware
async def _of_its_peer(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    headers = request.headers.copy()
    request = request.clone(headers=headers, remote=headers.pop(PEER_ADDRESS, ""))
    request[FROM_OUTSIDE] = True  # though by a socket as workers have
    return await handler(request)


async def _no_analysis(request: web.Request) -> web.Response:  # noqa: ARG001  aiohttp's signature
    raise RefusalError(
        403,
        "uploads_off",
        "A cluster takes no recordings; ask a server that was started with --allow-upload.",
    )


class _Replicas:
    """Answers by way of them."""

    def __init__(self, serve: Serve, everyone: Everyone, config: ServerConfig) -> None:
        self._serve = serve
        self._everyone = everyone
        self._retry_after_s = config.retry_after_s

    async def connected(self, app: web.Application) -> AsyncIterator[None]:  # noqa: ARG002  aiohttp's signature
        """Hold the connections to the replicas while the application runs."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=PATIENCE,
            auto_decompress=False,
            skip_auto_headers={hdrs.ACCEPT_ENCODING},  # nobody asks for what the asker did not
        ) as self._http:
            yield

    async def serve(self, request: web.Request) -> web.Response:
        """``POST /offer`` and ``POST /whip``: have a replica serve whoever offers."""
        headers = passed_on(request.headers)
        asked = Asked(request.method, str(request.rel_url), headers, await request.read())
        try:
            answered = await self._serve(asked, request.remote or "")
        except TooManyError as error:
            raise come_again(429, error.reason, str(error), error.retry_after_s) from error
        except NoPlaceError as error:
            raise _refused(error) from error
        return _response(answered)

    async def by_place(self, request: web.Request) -> web.StreamResponse:
        """Have the replica answer that the name tells of."""
        place = place_of(request.match_info["name"])
        for seen in await self._everyone():
            if seen.place == place:
                if answer := await self._ask(request, seen):
                    return answer
                raise _refused(NoPlaceError.none_answers())
        raise RefusalError(404, "not_found", "There is no such session; POST an offer to /whip.")

    async def by_all(self, request: web.Request) -> web.StreamResponse:
        """Have the replica answer that knows the name.

        A watch name is made of a key, before anybody knows where its publisher will be served; so
        it cannot tell, and all are asked.
        """
        everyone = await self._everyone()
        told = await asyncio.gather(*(self._knows(request, seen) for seen in everyone))
        # One that serves it goes before one that did; else it does not matter who says no.
        for status in (200, 410):
            for seen, said in zip(everyone, told, strict=True):
                if said == status and (answer := await self._ask(request, seen)):
                    return answer
        if None in told:  # it may be the one
            raise _refused(NoPlaceError.none_answers())
        return await self.by_any(request)

    async def _knows(self, request: web.Request, seen: Seen) -> int | None:
        """Return the status with which a replica speaks of the name; None if it does not."""
        path = f"{seen.url}/sessions/{quote(request.match_info['name'], safe='')}"
        try:
            async with self._http.get(
                URL(path, encoded=True), headers=seen.pass_, timeout=_KNOWS_PATIENCE
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return None

    async def by_any(self, request: web.Request) -> web.StreamResponse:
        """Have the replica answer that has the most room."""
        for seen in sorted(
            await self._everyone(), key=lambda each: (each.is_leaving, each.sessions)
        ):
            if answer := await self._ask(request, seen):
                return answer
        raise _refused(NoPlaceError.none_is_up())

    async def health(self, request: web.Request) -> web.Response:  # noqa: ARG002  aiohttp's signature
        """``GET /healthz``: how many replicas there are, and how many people."""
        everyone = await self._everyone()
        return web.json_response(
            {
                "status": "ok" if everyone else "no replica is up",
                "replicas": len(everyone),
                "sessions": sum(seen.sessions for seen in everyone),
                "max_sessions": sum(s.most_sessions for s in everyone if not s.is_leaving),
            }
        )

    async def readiness(self, request: web.Request) -> web.Response:  # noqa: ARG002  as above
        """``GET /readyz``: 200 while one more person would be served, else 503 and why not."""
        everyone = await self._everyone()
        if not everyone:
            raise _refused(NoPlaceError.none_is_up())
        if all(seen.is_full for seen in everyone):
            raise _refused(NoPlaceError.all_are_full(self._retry_after_s))
        return web.json_response({"status": "ready"}, headers={hdrs.CACHE_CONTROL: "no-store"})

    async def metrics(self, request: web.Request) -> web.Response:  # noqa: ARG002  as above
        """``GET /metrics``: those of all replicas, each with its place as a label."""
        figures = await of_all(self._http, await self._everyone())
        return web.Response(body=figures, headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_PLAIN_0_0_4})

    async def _ask(self, request: web.Request, seen: Seen) -> web.StreamResponse | None:
        return await forward(request, self._http, seen.url, headers=seen.pass_)


def _refused(error: NoPlaceError) -> RefusalError:
    after_s = error.retry_after_s
    return come_again(503, "full", f"{error.sentence} Try again in {after_s} seconds.", after_s)


def _response(answered: Answered) -> web.Response:
    response = web.Response(status=answered.status, body=answered.body)
    response.headers.clear()
    response.headers.extend(answered.headers)
    return response
