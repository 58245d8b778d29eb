"""What the tests share: the shipped models, loaded once, and a real server on a free port."""

# ruff: noqa: E402  threads are limited before anything loads numpy

from __future__ import annotations

from models.threads import limit_threads

limit_threads()

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aioice.ice
import ifaddr
import pytest
from aiohttp import web

from models.engine import InferenceEngine
from models.loading import LoadedModels, ModelConfig, load_models, start_engine
from rtc.app import create_app
from rtc.config import ServerConfig
from rtc.keys import REGISTRY, ServedModels
from rtc.registry import SessionRegistry
from tests.eval.recordings import talking_person
from tests.media import ANGRY, DATA, HAPPY, NO_RECORDINGS, Clip, load_clip, photograph_clip
from tests.processes import Launch, launching


@dataclass(frozen=True)
class LiveServer:
    """A server that listens, in this process."""

    url: str
    registry: SessionRegistry


StartServer = Callable[..., Awaitable[LiveServer]]


@pytest.fixture(scope="session")
def models() -> LoadedModels:
    """The shipped networks."""
    return load_models(ModelConfig(face_model="embedded"))


@pytest.fixture(scope="session")
def engine(models: LoadedModels) -> Iterator[InferenceEngine]:
    """One running inference thread for all tests."""
    started = asyncio.run(start_engine(models))
    yield started
    started.close()


@pytest.fixture
async def start_server(engine: InferenceEngine) -> AsyncIterator[StartServer]:
    """Start servers, with a configuration or another engine of the test's own."""
    async with AsyncExitStack() as running:

        async def start(
            config: ServerConfig | None = None, other_engine: InferenceEngine | None = None
        ) -> LiveServer:
            names = ServedModels("audio_bilstm", "face_mobilenetv3")
            app = create_app(other_engine or engine, names, config or ServerConfig())
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            running.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            return LiveServer(f"http://{host}:{port}", app[REGISTRY])

        yield start


@pytest.fixture
async def server(start_server: StartServer) -> LiveServer:
    """A server with the default configuration."""
    return await start_server()


@pytest.fixture
async def launch() -> AsyncIterator[Launch]:
    """Start the real command."""
    async with launching() as start:
        yield start


@pytest.fixture(autouse=True)
def loopback_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offer 127.0.0.1 on a host that has nothing else; aioice would skip it."""
    others = [ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
    if all(ip.ip == "127.0.0.1" for ip in others):
        monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])


@pytest.fixture(scope="session")
def happy_clip() -> Clip:
    """A woman who speaks happily; without recordings, a smiling photograph."""
    return load_clip(HAPPY) if HAPPY.exists() else photograph_clip()


@pytest.fixture(scope="session")
def angry_clip() -> Clip:
    """A man who speaks angrily. Skipped without recordings."""
    if not ANGRY.exists():
        pytest.skip(NO_RECORDINGS)
    return load_clip(ANGRY)


@pytest.fixture(scope="session")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recording of a woman who speaks, with both kinds."""
    return talking_person(tmp_path_factory.mktemp("talking"))


@pytest.hookimpl(tryfirst=True)  # the groups must be known when xdist asks for them
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several processes, keep each file's tests in one, and in one all that take a core.

    Those of the page and of a cluster start browsers and servers, and would have to wait for one
    another. They take long, so they come first. Those marked ``clock`` bear nothing beside them
    at all: have them run by themselves.
    """
    folder = Path(__file__).parent
    heavy: list[pytest.Item] = []
    light: list[pytest.Item] = []
    for item in items:
        file = item.path.relative_to(folder)
        is_heavy = file.is_relative_to("web") or file.is_relative_to("rtc/cluster")
        (heavy if is_heavy else light).append(item)
        item.add_marker(pytest.mark.xdist_group("heavy" if is_heavy else str(file)))
    items[:] = heavy + light


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With REQUIRE_ALL=1, as in CI, a skipped test fails, unless it is for want of recordings."""
    report = yield
    if os.environ.get("REQUIRE_ALL") == "1" and report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if DATA.is_dir() or NO_RECORDINGS not in reason:
            report.outcome = "failed"
            report.longrepr = f"not to be skipped here: {reason}"
    return report
