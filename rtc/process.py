"""One process that serves: its engine, its application, and Python's collector out of the way."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiohttp import web

from models.cost import measured_cost
from models.loading import LoadedModels, start_engine
from rtc.app import create_app
from rtc.capacity import sessions_within_one_core
from rtc.config import ServerConfig
from rtc.keys import ServedModels
from rtc.serving_settings import ServingSettings


@asynccontextmanager
async def application(
    settings: ServingSettings, models: LoadedModels
) -> AsyncIterator[web.Application]:
    """Give the application around an engine, which ends with the context."""
    config = settings.server
    if settings.max_sessions_auto:
        config = replace(config, max_sessions=most_sessions(models, config))
    engine = await start_engine(models)
    spare_the_collector()
    try:
        names = ServedModels(voice=models.voice_name, face=models.face_name)
        yield create_app(engine, names, config)
    finally:
        engine.close()


def most_sessions(models: LoadedModels, config: ServerConfig) -> int:
    """Measure how many people one core can serve."""
    cost = measured_cost(models)
    return sessions_within_one_core(cost.voice_s, cost.face_s, config.session.tick_interval_s)


def spare_the_collector() -> None:
    """Have Python's collector leave alone what is there for good, and look less often.

    It took a tenth of a busy server's time, nearly all of it for modules and networks.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # for else it waits until a quarter of what is frozen now has come besides
    # People who stay leave next to nothing to it; each who leaves leaves a thousand objects, which
    # it is to take soon: many at once are a long stop, and keep their memory until then.
    gc.set_threshold(10_000, 2, 2)
