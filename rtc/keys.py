"""What the HTTP application holds, by aiohttp's typed keys."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from rtc.config import ServerConfig
from rtc.registry import SessionRegistry


@dataclass(frozen=True)
class ServedModels:
    """The names of the networks in use, for the page and ``/healthz``."""

    voice: str
    face: str


REGISTRY = web.AppKey("registry", SessionRegistry)
CONFIG = web.AppKey("config", ServerConfig)
MODELS = web.AppKey("models", ServedModels)
