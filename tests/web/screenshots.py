"""Photograph the page in each of its states: ``python -m tests.web.screenshots FOLDER``.

In light and dark, on a large screen and a phone, with a real server and a real browser. Takes about
a minute. The face is a clip whose licence allows to show it, or a photograph by NASA.
"""

# ruff: noqa: E402  threads are limited before anything loads numpy

from __future__ import annotations

from models.threads import limit_threads_or_exit

limit_threads_or_exit()

import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.command_line import CommandParser, folder_to_write

try:
    from playwright.async_api import async_playwright

    from tests.media import SILENT, Clip, load_clip, photograph_clip, synthetic_speech
    from tests.web.browser import ALLOW_DEVICES, FLAGS, Tab, find_browser
    from tests.web.devices import Devices, write_devices
    from tests.web.process import running_server
except ModuleNotFoundError as error:
    raise SystemExit(
        f"error: {error.name} is not installed; install what the tests need with: "
        "pip install -e '.[test]'"
    ) from error

if TYPE_CHECKING:
    from playwright.async_api import Browser, ViewportSize

LARGE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 740}
_LIVE_S = 20  # long enough for a timeline that shows something


def woman_speaking() -> Clip:
    """A woman whose face moves from sad to a smile, with synthetic speech."""
    clip = load_clip(SILENT, seconds=16.0) if SILENT.exists() else photograph_clip()
    return replace(clip, sound=synthetic_speech(16.0))


def nobody() -> Clip:
    """A picture without anybody, and the same speech."""
    clip = photograph_clip()
    return replace(clip, pictures=np.full_like(clip.pictures, 90), sound=synthetic_speech(16.0))


class Photographer:
    """Opens the page in windows of one browser a device, and writes what they show."""

    def __init__(self, url: str, folder: Path, browsers: AsyncExitStack) -> None:
        self._url = url
        self._folder = folder
        self._browsers = browsers

    async def browser(self, path: str, devices: Devices, *flags: str) -> Browser:
        """Launch a browser that has these devices."""
        playwright = await self._browsers.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(
            executable_path=path, args=[*FLAGS, *devices.flags, *flags]
        )
        self._browsers.push_async_callback(browser.close)
        return browser

    async def tab(self, browser: Browser, theme: str, size: ViewportSize) -> Tab:
        """Open the page as large as a screen, in a theme."""
        context = await browser.new_context(color_scheme=theme, viewport=size)  # type: ignore[arg-type]
        tab = Tab(await context.new_page(), self._url)
        await tab.open()
        return tab

    async def write(self, tab: Tab, name: str, *, whole: bool = False) -> None:
        """Write what a tab shows; the whole page, or what is on the screen."""
        # Chromium calls a camera that is a file by the file's path, which says nothing to anybody.
        await tab.page.evaluate(
            """for (const id of ['microphone', 'camera-choice'])
              for (const option of document.getElementById(id).options)
                if (option.value) option.text = id === 'microphone' ? 'Microphone' : 'Camera';"""
        )
        path = self._folder / f"{name}.png"
        await tab.page.screenshot(path=path, full_page=whole, animations="disabled")
        print(path)


async def photograph(folder: Path, browser_path: str) -> None:
    """Write all pictures into a folder."""
    async with AsyncExitStack() as running:
        place = Path(running.enter_context(tempfile.TemporaryDirectory()))
        server = running.enter_context(running_server(place / "stderr.txt"))
        (place / "woman").mkdir()
        (place / "nobody").mkdir()
        woman = write_devices(woman_speaking(), place / "woman")
        empty = write_devices(nobody(), place / "nobody")
        of = Photographer(server.url, folder, running)
        speaking = await of.browser(browser_path, woman, ALLOW_DEVICES)
        refused = await of.browser(browser_path, woman, "--deny-permission-prompts")
        alone = await of.browser(browser_path, empty, ALLOW_DEVICES)
        for theme in ("light", "dark"):
            tab = await of.tab(speaking, theme, LARGE)
            await of.write(tab, f"idle-{theme}")
            await tab.start()
            await tab.results(2 * _LIVE_S)
            await of.write(tab, f"live-{theme}")
            await of.write(tab, f"live-{theme}-whole", whole=True)
            await tab.stop()
            await of.write(tab, f"summary-{theme}", whole=True)
            await tab.page.close()
        tab = await of.tab(refused, "light", LARGE)
        await tab.start()
        await tab.page.wait_for_selector("#error:not([hidden])")
        await of.write(tab, "refused")
        tab = await of.tab(alone, "light", LARGE)
        await tab.start()
        await tab.results(12)
        await of.write(tab, "no-face")
        await tab.stop()
        tab = await of.tab(speaking, "dark", PHONE)
        await of.write(tab, "phone-idle")
        await tab.start()
        await tab.results(12)
        await of.write(tab, "phone-live", whole=True)
        await tab.stop()


def main() -> int:
    """Read the flags, and photograph."""
    parser = CommandParser(prog="tests.web.screenshots", description=__doc__)
    parser.add_argument("folder", type=folder_to_write, help="where the pictures are written")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    browser_path = find_browser()
    if browser_path is None:
        print("error: no Chromium or Chrome on this machine", file=sys.stderr)
        return 1
    asyncio.run(photograph(folder, browser_path))
    return 0


if __name__ == "__main__":
    sys.exit(main())
