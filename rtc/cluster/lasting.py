"""Tells the replica for how long the session lasts that an offer began: a session is a request.

Ray Serve counts requests; with these routes a replica's request ends when its session does.
"""

from __future__ import annotations

from aiohttp import web

from rtc.admission import SESSION_ID
from rtc.cluster.messages import SESSION_HEADER
from rtc.keys import REGISTRY
from rtc.refusals import RefusalError
from rtc.streaming import streamed


def add_lasting(app: web.Application) -> None:
    """Name the session in the answer to each offer, and serve ``/lasting/{id}``."""
    app.on_response_prepare.append(_name_session)
    app.router.add_get("/lasting/{id}", until_over)
    app.router.add_delete("/lasting/{id}", end)
    app.router.add_delete("/lasting", end_all)


async def until_over(request: web.Request) -> web.StreamResponse:
    """``GET``: an answer that ends when the session has ended."""
    waiting = request.app[REGISTRY].ended(request.match_info["id"])
    response = streamed("application/octet-stream")
    await response.prepare(request)
    await waiting
    await response.write_eof()
    return response


async def end(request: web.Request) -> web.Response:
    """``DELETE``: end the session, for whoever offered went away before the answer."""
    session = request.app[REGISTRY].sessions.get(request.match_info["id"])
    if session is None:
        raise RefusalError(404, "not_found", "There is no such session.")
    session.end("whoever offered went away before the answer")
    return web.Response()


async def end_all(request: web.Request) -> web.Response:
    """``DELETE`` of all: end every session; their peers are told, and may come again."""
    for session in request.app[REGISTRY].sessions.values():
        session.end("its replica goes")
    return web.Response()


async def _name_session(request: web.Request, response: web.StreamResponse) -> None:
    if session_id := request.get(SESSION_ID):
        response.headers[SESSION_HEADER] = session_id
