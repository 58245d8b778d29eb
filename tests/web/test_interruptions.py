"""The page when time stands still for it or for the server: hidden, asleep, hung, surprised."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import psutil

from tests.web.browser import Tab
from tests.web.conftest import OpenTab, StartProcess
from tests.web.devices import Devices
from tests.web.process import ServerProcess

_ASLEEP_S = 13.0  # the server ends a session without media after 10 s


async def test_hidden_tab_goes_on(open_tab: OpenTab, happy_devices: Devices) -> None:
    """A tab behind another goes on receiving, and its timeline is up to date when it is shown."""
    tab = await open_tab(happy_devices)
    await tab.start()
    await tab.results(3)
    other = await tab.page.context.new_page()
    await other.bring_to_front()
    await tab.page.evaluate(
        """() => { // as the browser tells it; without a screen it does not hide tabs by itself
          Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
          document.dispatchEvent(new Event('visibilitychange'));
        }"""
    )
    assert len(await tab.results(6, within_s=5)) >= 6
    await other.close()
    await tab.page.bring_to_front()
    await tab.page.evaluate(
        "delete document.hidden, document.dispatchEvent(new Event('visibilitychange'))"
    )
    await _check_timeline_is_up_to_date(tab)
    await tab.results(2)
    assert await tab.state() == "live"
    assert tab.offers == 1


async def _check_timeline_is_up_to_date(tab: Tab) -> None:
    """Read the timeline backwards from its right end: every result is there, up to the newest."""
    await tab.page.evaluate(
        "new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))"
    )
    await tab.page.click("#pause")
    count = int(await tab.page.evaluate("document.documentElement.dataset.results"))
    await tab.page.focus("#timeline")
    readings = []
    for key in ("End", *["ArrowLeft"] * (count - 3)):
        await tab.page.keyboard.press(key)
        readings.append(
            await tab.page.evaluate("Number(document.getElementById('timeline').ariaValueNow)")
        )
    print(f"read {readings} s before now of {count} results")
    assert readings[0] >= -1
    assert readings[-1] <= -(count - 4) / 2
    assert all(before - after <= 1 for before, after in pairwise(readings))
    await tab.page.click("#pause")


async def test_sleep_is_survived(
    open_tab: OpenTab, happy_devices: Devices, start_process: StartProcess
) -> None:
    """A computer that slept so long that the server ended its session connects by itself."""
    server = start_process()
    tab = await open_tab(happy_devices, url=server.url)
    await tab.start()
    await tab.results(2)
    browser = _processes_of(happy_devices)
    for process in browser:
        process.suspend()
    try:
        await asyncio.sleep(_ASLEEP_S)
        assert await server.is_serving(0)
    finally:
        for process in browser:
            process.resume()
    began_at = time.monotonic()
    await tab.results(2, within_s=20)
    await tab.until("document.documentElement.dataset.state === 'live'")
    print(f"results again {time.monotonic() - began_at:.1f} s after waking")
    assert tab.offers == 2
    assert await server.is_serving(1)


async def test_server_that_hangs_is_noticed(
    open_tab: OpenTab, happy_devices: Devices, start_process: StartProcess
) -> None:
    """When results stop coming nothing old is shown, and when they come again they are shown."""
    server = start_process()
    tab = await open_tab(happy_devices, url=server.url)
    await tab.start()
    await tab.results(2)
    with _hanging(server):
        await tab.until_text("status", "Live, but no results arrive", within_s=6)
        assert await tab.text("fused-label") == ["\N{EN DASH}"]
    await tab.until("document.getElementById('status').textContent === 'Live'")
    await tab.results(2)


async def test_a_server_that_stays_silent_is_left(
    open_tab: OpenTab, happy_devices: Devices, start_process: StartProcess
) -> None:
    """When no result has come for five seconds the page looks for another connection."""
    server = start_process()
    tab = await open_tab(happy_devices, url=server.url)
    await tab.start()
    await tab.results(2)
    with _hanging(server):
        await tab.until_state("reconnecting", within_s=8)
        assert await tab.text("error") == ["The connection to the server was lost."]
    await tab.until_state("live", within_s=30)
    await tab.results(2)


async def test_unforeseen_errors_reach_the_person(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """An error that nobody foresaw stands on the page, and a session that still works goes on."""
    tab = await open_tab(happy_devices)
    tab.tolerated = ("page error: made for this test",)
    await tab.start()
    await tab.results(1)
    await tab.page.evaluate("setTimeout(() => { throw new RangeError('made for this test'); })")
    await tab.until_text(
        "error", "Something unexpected went wrong (RangeError: made for this test)."
    )
    await tab.results(2)
    assert await tab.state() == "live"


@contextmanager
def _hanging(server: ServerProcess) -> Iterator[None]:
    """Have the server do nothing, and then go on."""
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


def _processes_of(devices: Devices) -> list[psutil.Process]:
    """Return the browser that has these devices, with all its children."""
    flag = devices.flags[0]
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if flag in command and not any(part.startswith("--type=") for part in command):
            found += [process, *process.children(recursive=True)]
    assert found
    return found
