"""A browser, devices made of recordings, and a server process, for the tests of the page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.media import NO_FACE, NO_RECORDINGS, SILENT, Clip, load_clip
from tests.web.browser import ALLOW_DEVICES, FLAGS, Tab, find_browser
from tests.web.devices import Devices, write_devices
from tests.web.process import ServerProcess, running_server, seconds_until

OpenTab = Callable[..., Awaitable[Tab]]
StartProcess = Callable[..., ServerProcess]


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The browser's program. Without one the tests are skipped."""
    try:
        import playwright.async_api  # noqa: F401  tried, not used
    except ImportError:
        pytest.skip("playwright is not installed; pip install -e '.[test]'")
    return find_browser() or pytest.skip("no Chromium or Chrome on this machine")


@asynccontextmanager
async def windows(browser_path: str, server: ServerProcess) -> AsyncIterator[OpenTab]:
    """Open the page in windows of their own; those with equal flags share one browser.

    In the end every page must be blameless, and nobody may be left on the server.
    """
    from playwright.async_api import Browser, async_playwright

    tabs: list[Tab] = []
    browsers: dict[tuple[str, ...], Browser] = {}
    async with async_playwright() as playwright, AsyncExitStack() as running:

        async def open_one(
            devices: Devices,
            *,
            url: str = server.url,
            flags: tuple[str, ...] = (ALLOW_DEVICES,),
            script: str = "",
            watch: bool = True,
        ) -> Tab:
            flags = (*FLAGS, *devices.flags, *flags)
            if flags not in browsers:
                browsers[flags] = await playwright.chromium.launch(
                    executable_path=browser_path, args=list(flags)
                )
                running.push_async_callback(browsers[flags].close)
            context = await browsers[flags].new_context()
            tab = Tab(await context.new_page(), url)
            tabs.append(tab)
            await tab.open(script, watch=watch)
            return tab

        yield open_one
        for tab in tabs:
            if not tab.is_gone:
                await tab.page.close()  # says goodbye, as a browser that is ended does not
    for tab in tabs:
        tab.check_blameless()
    await seconds_until(lambda: server.is_serving(0), within_s=12)


@pytest.fixture
async def open_tab(
    browser_path: str,
    server_process: ServerProcess,
    start_process: StartProcess,  # noqa: ARG001  its servers must outlive the windows
) -> AsyncIterator[OpenTab]:
    """Open the page, of the shared server unless another's address is given."""
    async with windows(browser_path, server_process) as open_one:
        yield open_one


@pytest.fixture(scope="session")
def server_process(
    browser_path: str,  # noqa: ARG001  no server without a browser
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ServerProcess]:
    """One server for all tests that leave it as it was."""
    with running_server(tmp_path_factory.mktemp("server") / "stderr.txt") as server:
        yield server


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[StartProcess]:
    """Start servers of the test's own, with flags."""
    with ExitStack() as running:
        yield lambda *flags: running.enter_context(running_server(tmp_path / "stderr.txt", *flags))


@pytest.fixture(scope="session")
def happy_devices(
    browser_path: str,  # noqa: ARG001  no devices without a browser
    happy_clip: Clip,
    tmp_path_factory: pytest.TempPathFactory,
) -> Devices:
    """A woman who speaks happily; without recordings, a smiling photograph."""
    return write_devices(happy_clip, tmp_path_factory.mktemp("happy"))


@pytest.fixture(scope="session")
def angry_devices(angry_clip: Clip, tmp_path_factory: pytest.TempPathFactory) -> Devices:
    """A man who speaks angrily. Skipped without recordings."""
    return write_devices(angry_clip, tmp_path_factory.mktemp("angry"))


@pytest.fixture(scope="session")
def silent_devices(tmp_path_factory: pytest.TempPathFactory) -> Devices:
    """A sad woman who says nothing. Skipped without recordings."""
    return _recorded(SILENT, tmp_path_factory.mktemp("silent"))


@pytest.fixture(scope="session")
def no_face_devices(tmp_path_factory: pytest.TempPathFactory) -> Devices:
    """A picture with nobody in it. Skipped without recordings."""
    return _recorded(NO_FACE, tmp_path_factory.mktemp("no_face"))


def _recorded(path: Path, folder: Path) -> Devices:
    if not path.exists():
        pytest.skip(NO_RECORDINGS)
    return write_devices(load_clip(path, seconds=8.0), folder)
