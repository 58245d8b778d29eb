"""The aiohttp application: the page, the offer, the health; who is refused and how."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import web

from models.engine import InferenceEngine
from rtc.config import ServerConfig
from rtc.doors import guard
from rtc.headers import set_headers
from rtc.limits import TooManyError
from rtc.metrics import Sources, add_metrics
from rtc.offers import OfferError, read_offer
from rtc.refusals import REFUSED, RefusalError, come_again, refusals_as_json
from rtc.registry import ServerFullError, SessionRegistry
from rtc.ways import NoWayError

WEB_FOLDER = Path(__file__).resolve().parent.parent / "web"


@dataclass(frozen=True)
class ServedModels:
    """The names of the networks in use, for the page and ``/healthz``."""

    voice: str
    face: str


REGISTRY = web.AppKey("registry", SessionRegistry)
CONFIG = web.AppKey("config", ServerConfig)
MODELS = web.AppKey("models", ServedModels)


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
    app.router.add_get("/", page)
    app.router.add_static("/static", WEB_FOLDER)
    app.router.add_get("/healthz", health)
    app.router.add_get("/readyz", readiness)
    app.router.add_get("/config", page_config)
    app.router.add_post("/offer", offer)
    counts = app[REGISTRY].counts
    add_metrics(app, Sources(counts, partial(serving, app), refused, engine))
    return app


def serving(app: web.Application) -> int:
    """Return how many people are served now."""
    return len(app[REGISTRY].sessions)


async def page(request: web.Request) -> web.StreamResponse:  # noqa: ARG001  aiohttp's signature
    """``GET /``: the page."""
    return web.FileResponse(WEB_FOLDER / "index.html")


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
        raise _full(error, app) from error
    return web.json_response({"status": "ready"}, headers={"Cache-Control": "no-store"})


async def offer(request: web.Request) -> web.Response:
    """``POST /offer``: ``{"sdp", "type": "offer"}`` in, ``{"sdp", "type": "answer"}`` out."""
    app, address = request.app, request.remote or ""
    try:
        app[REGISTRY].visitors.ask(address)
        if request.content_type != "application/json":
            raise RefusalError(415, "type", "Send the offer as Content-Type: application/json.")
        described = read_offer(await request.read())
        session, answer = await app[REGISTRY].admit(described, address)
    except OfferError as error:
        raise RefusalError(400, "malformed", str(error)) from error
    except ConnectionResetError as error:  # from reading: who asked has gone, and reads no answer
        raise RefusalError(400, "malformed", "The request broke off.") from error
    except TooManyError as error:
        raise come_again(429, error.reason, str(error), error.retry_after_s) from error
    except (ServerFullError, NoWayError) as error:
        raise _full(error, app) from error
    if request.transport is None or request.transport.is_closing():
        session.end("whoever offered went away before the answer")
    return web.json_response({"sdp": answer.sdp, "type": answer.type})


def _full(error: ServerFullError | NoWayError, app: web.Application) -> RefusalError:
    retry_after_s = app[CONFIG].retry_after_s
    sentence = f"{error} Try again in {retry_after_s} seconds."
    return come_again(503, error.reason, sentence, retry_after_s)


def _models(app: web.Application) -> dict[str, dict[str, str]]:
    return {"voice": {"name": app[MODELS].voice}, "face": {"name": app[MODELS].face}}


async def _end_sessions(app: web.Application) -> None:
    await app[REGISTRY].aclose()
