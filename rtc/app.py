"""The aiohttp application: the page, the offer, the health; who is refused and how."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import web

from models.engine import InferenceEngine
from rtc.config import ServerConfig
from rtc.headers import set_headers
from rtc.metrics import add_metrics
from rtc.offers import OfferError, read_offer
from rtc.registry import ServerFullError, SessionRegistry

_log = logging.getLogger(__name__)

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
    app = web.Application(client_max_size=config.max_offer_bytes, middlewares=[errors_as_sentences])
    set_headers(app)
    app[CONFIG] = config
    app[MODELS] = models
    app[REGISTRY] = SessionRegistry(engine, config)
    app.on_shutdown.append(_end_sessions)
    app.router.add_get("/", page)
    app.router.add_static("/static", WEB_FOLDER)
    app.router.add_get("/healthz", health)
    app.router.add_get("/config", page_config)
    app.router.add_post("/offer", offer)
    add_metrics(app, app[REGISTRY].counts, partial(serving, app))
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
    servers = [server.dictionary() for server in request.app[CONFIG].session.ice_servers]
    fields = {"models": _models(request.app), "ice_servers": servers}
    return web.json_response(fields, headers={"Cache-Control": "no-store"})


async def offer(request: web.Request) -> web.Response:
    """``POST /offer``: ``{"sdp", "type": "offer"}`` in, ``{"sdp", "type": "answer"}`` out."""
    body = await request.read()
    try:
        described = read_offer(body)
        session, answer = await request.app[REGISTRY].admit(described)
    except OfferError as error:
        return _refusal(400, str(error))
    except ServerFullError:
        retry_after_s = request.app[CONFIG].retry_after_s
        return _refusal(
            503,
            f"The server is full; try again in {retry_after_s} seconds.",
            # Who comes again is to come to the worker that has room then.
            {"Retry-After": str(retry_after_s), "Connection": "close"},
        )
    if request.transport is None or request.transport.is_closing():
        session.end("whoever offered went away before the answer")
    return web.json_response({"sdp": answer.sdp, "type": answer.type})


@web.middleware
async def errors_as_sentences(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Give aiohttp's own refusals the same JSON form as ours."""
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        limit_kb = request.app[CONFIG].max_offer_bytes // 1024
        return _refusal(413, f"The offer is larger than {limit_kb} KB.")
    except (web.HTTPNotFound, web.HTTPForbidden):  # forbidden: a folder, which nobody may list
        return _refusal(404, f"There is nothing at {request.path}.")
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        return _refusal(405, f"{request.path} takes {allowed} only.", {"Allow": allowed})
    except web.HTTPException:
        raise
    except Exception:  # noqa: BLE001  logged whole; the asker is told that it was not them
        _log.exception("%s %s failed", request.method, request.path)
        return _refusal(500, "Something failed on the server; its log has the details.")


def _models(app: web.Application) -> dict[str, dict[str, str]]:
    return {"voice": {"name": app[MODELS].voice}, "face": {"name": app[MODELS].face}}


async def _end_sessions(app: web.Application) -> None:
    await app[REGISTRY].aclose()


def _refusal(status: int, sentence: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": sentence}, status=status, headers=headers)
