"""Who watches, when the connection is cut or falls silent, the session ends, or the server goes."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from urllib.parse import urlsplit

import pytest

from tests.web.browser import Tab
from tests.web.conftest import OpenTab, StartProcess
from tests.web.devices import Devices
from tests.web.process import ServerProcess
from tests.web.relay import relay_to
from tests.web.watching import MAY_RETURN, NOT_THERE, open_watcher, start_and_copy

_DASH = "\N{EN DASH}"


@pytest.mark.clock
async def test_a_lost_connection_is_resumed_without_a_gap(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess
) -> None:
    """What came while the watcher was cut off is made up for, and stands in the timeline where
    it belongs.
    """
    own = await open_tab(happy_devices)
    link = urlsplit(await start_and_copy(own))
    async with relay_to(server_process.url) as relay:
        url = f"{relay.url}{link.path}#{link.fragment}"
        watcher = await open_watcher(open_tab, happy_devices, url)
        watcher.tolerated = ("net::ERR_",)  # the browser's notes on what is cut
        await watcher.results(4)
        relay.cut()
        await watcher.until_state("reconnecting")
        assert await watcher.text("fused-label") == [_DASH]
        await watcher.until_text("error", "cannot be reached")
        missed = await own.results(6)
        relay.mend()
        await watcher.until_state("live", within_s=20)
        await watcher.results(3)
        assert await watcher.text("error", "status") == ["", "Live"]
        sequences = [each.message.sequence for each in await watcher.arrivals()]
        assert {message.sequence for message in missed} < set(sequences)
        assert all(after - before == 1 for before, after in pairwise(sequences))
        readings = await _timeline_backwards(watcher, len(sequences) - 3)
        assert readings[-1] <= -(len(sequences) - 4) / 2 + 0.5  # they are rounded
        assert all(before - after <= 1 for before, after in pairwise(readings)), readings


async def _timeline_backwards(tab: Tab, count: int) -> list[int]:
    """Return how many seconds before now the last ``count`` results stand in the timeline."""
    await tab.page.click("#pause")
    await tab.page.focus("#timeline")
    readings = []
    for key in ("End", *["ArrowLeft"] * (count - 1)):
        await tab.page.keyboard.press(key)
        readings.append(
            await tab.page.evaluate("Number(document.getElementById('timeline').ariaValueNow)")
        )
    return readings


async def test_a_silent_connection_is_begun_anew(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess
) -> None:
    """Where nothing comes, and nothing says so, the page notices after 40 s and asks again."""
    own = await open_tab(happy_devices)
    link = urlsplit(await start_and_copy(own))
    async with relay_to(server_process.url) as relay:
        url = f"{relay.url}{link.path}#{link.fragment}"
        watcher = await open_watcher(open_tab, happy_devices, url)
        watcher.tolerated = ("net::ERR_",)
        await watcher.results(1)
        await watcher.page.clock.install()
        await watcher.results(2)
        relay.hold()
        await own.results(2)
        await watcher.page.clock.fast_forward(4000)
        assert await watcher.text("status", "fused-label") == ["Live, but no results arrive", _DASH]
        await watcher.page.clock.fast_forward(38_000)
        await watcher.until_state("reconnecting")
        assert await watcher.text("error") == ["Nothing came from the server for 40 seconds."]
        relay.mend()
        await watcher.page.clock.fast_forward(4000)
        await watcher.until_state("live")
        await watcher.results(1)


async def test_the_end_of_the_session_is_told(open_tab: OpenTab, happy_devices: Devices) -> None:
    """When the person stops, who watches reads so, and sees nothing old; a page that is opened
    later says the same.
    """
    own = await open_tab(happy_devices)
    link = await start_and_copy(own)
    watcher = await open_watcher(open_tab, happy_devices, link)
    await watcher.results(3)
    await own.stop()
    await watcher.until_state("ended", within_s=5)
    error, status, fused, rate = await watcher.text("error", "status", "fused-label", "rate")
    assert error.startswith("This session has ended: ")
    assert error.endswith(MAY_RETURN)
    assert (status, fused, rate) == ("Ended", _DASH, "")
    assert await watcher.page.is_hidden("#face-box")
    late = await open_watcher(open_tab, happy_devices, link)
    await late.until_state("ended")
    assert await late.text("error") == [f"This session has ended. {MAY_RETURN}"]


async def test_a_server_that_restarts_is_found_again(
    open_tab: OpenTab, happy_devices: Devices, start_process: StartProcess
) -> None:
    """Who is watched keeps their name over a restart, and who watches sees them again by it."""
    server = start_process()
    port = urlsplit(server.url).port
    own = await open_tab(happy_devices, url=server.url)
    own.tolerated = ("net::ERR_CONNECTION_REFUSED",)
    watcher = await open_watcher(open_tab, happy_devices, await start_and_copy(own))
    watcher.tolerated = (*NOT_THERE, "net::ERR_")
    await watcher.results(2)
    server.kill()
    await watcher.until_state("reconnecting")
    await asyncio.to_thread(server.process.wait)
    start_process("--port", str(port))
    await watcher.until_state("live", within_s=30)
    await watcher.results(2)
    await own.stop()
