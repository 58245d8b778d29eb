"""What the quiet line at the bottom says."""

from __future__ import annotations

import re

from rtc.config import SessionConfig
from tests.web.conftest import OpenTab
from tests.web.devices import Devices


async def test_status_line_says_how_fast_and_how_late(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """While live the rate and the latency stand there, and what the latency counts."""
    tab = await open_tab(happy_devices)
    await tab.start()
    await tab.results(4)
    await tab.until_text("latency", "latency ")
    rate, latency = await tab.text("rate", "latency")
    assert re.fullmatch(r"[12]\.\d results a second", rate)
    assert re.fullmatch(r"latency \d+ ms", latency)
    meaning = await tab.page.get_attribute("#latency", "title")
    assert meaning
    assert "round trip" in meaning
    await tab.stop()
    assert await tab.text("rate", "latency") == ["", ""]


async def test_latency_waits_for_the_round_trip(open_tab: OpenTab, happy_devices: Devices) -> None:
    """No latency is written before the way to the server is known, which is a part of it."""
    tab = await open_tab(happy_devices)
    written = await tab.page.evaluate(
        """async () => {
          const { StatusLine } = await import('/static/status-line.js');
          const line = new StatusLine();
          const latency = (message) => {
            line.take(message, 2);
            return document.getElementById('latency').textContent;
          };
          const ending = new AbortController();
          const before = latency({ latency_ms: 80 });
          line.follow({ roundTrip_ms: async () => 20 }, ending.signal);
          await new Promise((resolve) => setTimeout(resolve));
          const after = latency({ latency_ms: 90 });
          ending.abort();
          return [before, after, latency({ latency_ms: null })];
        }"""
    )
    assert written == ["", "latency 110 ms", "latency 110 ms"]


async def test_page_and_server_agree_on_the_rate(open_tab: OpenTab, happy_devices: Devices) -> None:
    """The page takes results to come as often as the server sends them."""
    tab = await open_tab(happy_devices)
    interval_ms = await tab.page.evaluate(
        "async () => (await import('/static/results.js')).TICK_INTERVAL_MS"
    )
    assert interval_ms == 1000 * SessionConfig().tick_interval_s
    assert await tab.text("voice-smooth-value") == ["mean of 5 results, 2.5 s"]
