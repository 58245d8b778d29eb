"""The aiohttp application: the pages, the offer, the health; who is refused and how."""

from __future__ import annotations

from collections import Counter
from functools import partial

from aiohttp import web

from models.engine import InferenceEngine
from rtc.admission import admit, full
from rtc.analysis import add_analysis
from rtc.config import ServerConfig
from rtc.doors import guard
from rtc.headers import set_headers
from rtc.keys import CONFIG, MODELS, REGISTRY, ServedModels
from rtc.metrics import Sources, add_metrics
from rtc.offers import read_offer
from rtc.openapi import add_openapi
from rtc.pages import add_pages
from rtc.refusals import REFUSED, refusals_as_json
from rtc.registry import ServerFullError, SessionRegistry
from rtc.watching import add_watching
from rtc.whip import add_whip


def create_app(
    engine: InferenceEngine, models: ServedModels, config: ServerConfig
) -> web.Application:
    """Build the application around a running engine, which stays the caller's to close."""
    app = web.Application(client_max_size=config.max_offer_bytes, middlewares=[refusals_as_json])
    set_headers(app)
    guard(app, config.doors)
    app[REFUSED] = refused = Counter[str]()
    app[CONFIG] = config
    app[MODELS] = models
    app[REGISTRY] = SessionRegistry(engine, config)
    app.on_shutdown.append(_end_sessions)
    add_pages(app)
    app.router.add_get("/healthz", health)
    app.router.add_get("/readyz", readiness)
    app.router.add_get("/config", page_config)
    app.router.add_post("/offer", offer)
    add_whip(app)
    add_watching(app)
    add_analysis(app, config.uploads, config.session)
    add_openapi(app)
    counts = app[REGISTRY].counts
    add_metrics(app, Sources(counts, partial(serving, app), refused, engine))
    return app


def serving(app: web.Application) -> int:
    """Return how many people are served now."""
    return len(app[REGISTRY].sessions)


async def health(request: web.Request) -> web.Response:
    """``GET /healthz``: that the server serves, with which networks, and how many people."""
    app = request.app
    return web.json_response(
        {
            "status": "ok",
            "models": _models(app),
            "sessions": serving(app),
            "max_sessions": app[CONFIG].max_sessions,
        }
    )


async def page_config(request: web.Request) -> web.Response:
    """``GET /config``: what the page needs to know before it offers."""
    session = request.app[CONFIG].session
    fields = {
        "models": _models(request.app),
        "ice_servers": [server.dictionary() for server in session.ice_servers],
        "ice_transport_policy": "relay" if session.ice_relay_only else "all",
    }
    return web.json_response(fields, headers={"Cache-Control": "no-store"})


async def readiness(request: web.Request) -> web.Response:
    """``GET /readyz``: 200 while one more person would be served, else 503 and why not."""
    app = request.app
    try:
        app[REGISTRY].check_room()
    except ServerFullError as error:
        raise full(error, app[CONFIG]) from error
    return web.json_response({"status": "ready"}, headers={"Cache-Control": "no-store"})


async def offer(request: web.Request) -> web.Response:
    """``POST /offer``: ``{"sdp", "type": "offer"}`` in, ``{"sdp", "type": "answer"}`` out.

    ``session`` in the answer is the name by which others can watch. Whoever offers again with the
    ``key`` beside it is watched by the same name.
    """
    _, answer, names = await admit(request, "application/json", read_offer)
    fields = {"sdp": answer.sdp, "type": answer.type, "session": names.watch, "key": names.key}
    return web.json_response(fields, headers={"Cache-Control": "no-store"})


def _models(app: web.Application) -> dict[str, dict[str, str]]:
    return {"voice": {"name": app[MODELS].voice}, "face": {"name": app[MODELS].face}}


async def _end_sessions(app: web.Application) -> None:
    await app[REGISTRY].aclose()
