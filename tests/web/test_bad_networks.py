"""A real browser over a bad network: the page's results go on, without a new connection."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from eval.network.detour import Detour
from eval.network.impairment import Impairment
from eval.network.measure import MOST_PAUSE_S
from tests.web.browser import Tab
from tests.web.conftest import OpenTab
from tests.web.devices import Devices
from tests.web.process import ServerProcess

if TYPE_CHECKING:
    from playwright.async_api import Route

_OUTAGE_S = 3.0


async def _are_back(tab: Tab) -> None:
    """Wait for a result with what is new of both sides, for as long as is allowed."""
    async with asyncio.timeout(MOST_PAUSE_S):
        while True:
            (message,) = (await tab.results(1))[-1:]
            times_ms = (message.sound_time_ms, message.picture_time_ms)
            if message.evidence == "both" and None not in times_ms:
                return


async def test_a_page_bears_another_address_and_an_outage(
    open_tab: OpenTab, server_process: ServerProcess, happy_devices: Devices
) -> None:
    """When a NAT gives the browser another port, and when nothing passes for three seconds, voice
    and face are back within three more.
    """
    async with Detour(server_process.url, seed=0) as detour:
        tab = await open_tab(happy_devices)

        async def lead(route: Route) -> None:
            await route.fulfill(response=await route.fetch(url=f"{detour.url}/offer"))

        await tab.page.route("**/offer", lead)
        await tab.start()
        await tab.results(3)
        relay = detour.relay
        assert relay is not None
        await relay.move()
        await _are_back(tab)
        relay.impair(Impairment(loss=1.0))
        began_s, before = time.monotonic(), len(await tab.arrivals())
        await asyncio.sleep(_OUTAGE_S)
        assert len(await tab.arrivals()) <= before + 1  # one may have passed before
        assert time.monotonic() - began_s < _OUTAGE_S + 1
        relay.impair(Impairment())
        await _are_back(tab)
        assert (tab.offers, await tab.state()) == (1, "live")
        await tab.stop()
