"""The page when the server is full, restarts or is gone: it says so, waits, and goes on."""

from __future__ import annotations

import asyncio
import json
import re
import time
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.web.conftest import OpenTab, StartProcess
from tests.web.devices import Devices

if TYPE_CHECKING:
    from playwright.async_api import Download


@pytest.mark.parametrize(
    ("ending", "sentence"),
    [
        ("killed", "The connection to the server was lost."),
        ("ended", "The server ended the session."),
    ],
)
async def test_server_that_restarts_is_found_again(
    open_tab: OpenTab,
    happy_devices: Devices,
    start_process: StartProcess,
    ending: str,
    sentence: str,
) -> None:
    """When the server goes, the page says so, shows nothing old, and goes on with the next one."""
    server = start_process()
    port = urlsplit(server.url).port
    tab = await open_tab(happy_devices, url=server.url)
    tab.tolerated = ("net::ERR_CONNECTION_REFUSED",)  # the browser's note on what is not there
    await tab.start()
    await tab.results(2)
    await tab.page.click("#mute")
    began_at = time.monotonic()
    if ending == "killed":
        server.kill()
    else:
        server.terminate()
    await tab.until_state("reconnecting")
    error, status, fused = await tab.text("error", "status", "fused-label")
    assert (error, status, fused) == (sentence, "Trying again", "\N{EN DASH}")
    print(f"server {ending}: the page said so {time.monotonic() - began_at:.2f} s later")
    await tab.until_text("error", "cannot be reached")
    before = int(await tab.page.evaluate("document.documentElement.dataset.results"))
    await asyncio.to_thread(server.process.wait)
    server = start_process("--port", str(port))
    began_at = time.monotonic()
    await tab.results(2)
    print(f"results again {time.monotonic() - began_at:.2f} s after the next server was ready")
    assert await tab.state() == "live"
    assert await tab.text("error", "off") == ["", "Voice is off: microphone muted"]
    assert int(await tab.page.evaluate("document.documentElement.dataset.results")) >= before + 2


async def test_stop_ends_the_waiting(
    open_tab: OpenTab, happy_devices: Devices, start_process: StartProcess
) -> None:
    """Stop ends the attempts to reach a server that is gone, and what came before is summed up."""
    server = start_process()
    tab = await open_tab(happy_devices, url=server.url)
    tab.tolerated = ("net::ERR_CONNECTION_REFUSED",)
    await tab.start()
    await tab.results(2)
    server.kill()
    await tab.until_state("reconnecting")
    await tab.stop()
    await tab.until_text("models", "cannot be reached")
    asked = await tab.page.evaluate("performance.getEntriesByType('resource').length")
    assert await tab.text("status", "error") == ["Stopped", ""]
    assert await tab.page.is_visible("#summary")
    async with tab.page.expect_download() as coming:
        await tab.page.click("#save-json")
    document = json.loads(await _content_of(await coming.value))
    assert document["models"]["voice"]["name"] == "audio_bilstm"  # though the server is gone
    await asyncio.sleep(2.5)
    assert await tab.page.evaluate("performance.getEntriesByType('resource').length") == asked
    assert await tab.state() == "idle"


async def test_full_server_is_asked_again_when_it_said(
    open_tab: OpenTab, happy_devices: Devices, start_process: StartProcess
) -> None:
    """Who finds no place is told so, and gets in by waiting once a place is free."""
    server = start_process("--max-sessions", "1")
    first = await open_tab(happy_devices, url=server.url)
    await first.start()
    await first.results(1)
    second = await open_tab(happy_devices, url=server.url)
    second.tolerated = ("503 (Service Unavailable)",)  # the browser's note on the refusal
    await second.start()
    await second.until_state("reconnecting")
    error, status, countdown = await second.text("error", "status", "countdown")
    assert error == "The server is full."
    assert status == "Trying again"
    assert re.fullmatch(r"in (9|1[0-3]) s", countdown)
    await first.stop()
    offers = second.offers
    await second.results(1)
    assert second.offers == offers + 1
    assert (await second.text("error"))[0] == ""


async def _content_of(download: Download) -> bytes:
    return (await download.path()).read_bytes()


_WAITS = """
async () => {
  const { keepTrying } = await import('/static/retry.js');
  const { Told } = await import('/static/errors.js');
  window.began = [];
  const stopping = new AbortController();
  window.stopTrying = () => stopping.abort(null);
  Math.random = () => 0;
  keepTrying(stopping.signal, {
    connectOnce: async () => {
      began.push(performance.now());
      throw new Told('gone', { isPassing: true, retryAfter_ms: window.dictated_ms ?? 0 });
    },
    onWait: () => {},
  }).catch(() => {});
}
"""


async def test_pauses_grow_and_end_early_when_there_is_hope(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """Pauses double; a network that is back ends one, unless the server said how long."""
    tab = await open_tab(happy_devices)
    await tab.page.clock.install()
    await tab.page.evaluate(_WAITS)
    await tab.page.clock.run_for(1000 + 2000 + 4000 + 8000 + 100)
    began = await tab.page.evaluate("began")
    pauses_s = [round((b - a) / 1000) for a, b in pairwise(began)]
    assert pauses_s == [1, 2, 4, 8]
    await tab.page.evaluate("window.dictated_ms = 5000; dispatchEvent(new Event('online'))")
    await tab.page.clock.run_for(10)
    assert len(await tab.page.evaluate("began")) == 6
    await tab.page.evaluate("dispatchEvent(new Event('online'))")
    await tab.page.clock.run_for(4000)
    assert len(await tab.page.evaluate("began")) == 6
    await tab.page.clock.run_for(1500)
    assert len(await tab.page.evaluate("began")) == 7
    await tab.page.evaluate("stopTrying()")
    await tab.page.clock.run_for(60_000)
    assert len(await tab.page.evaluate("began")) == 7
