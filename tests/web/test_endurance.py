"""The page after minutes: nothing grows, and drawing stays cheap."""

from __future__ import annotations

import asyncio
import os

import numpy as np
import pytest

from tests.web.browser import Tab
from tests.web.conftest import OpenTab
from tests.web.devices import Devices

# The gate runs ten minutes; who tries something out need not wait that long.
_MINUTES = float(os.environ.get("ENDURANCE_MINUTES", "1"))
_WARM_UP_S = 20.0
_MOST_GROWTH_BYTES = 1_000_000
_MOST_MORE = {"Nodes": 20, "JSEventListeners": 5}  # a message may just have come or gone
_MOST_DRAWING_MS = 4.0
_MOST_DRAWING_P95_MS = 16.0  # a frame at 60 Hz: those that take longer had to share the processor
_LEAST_FRAMES_HZ = 20.0

# Sums up what all callbacks of a painted frame take, into room that is made beforehand.
_MEASURE_FRAMES = """
window.frames_ms = { times: new Float32Array(60_000), count: 0, newest: 0 };
const { requestAnimationFrame } = window;
window.requestAnimationFrame = (callback) => requestAnimationFrame.call(window, (now) => {
  const began = performance.now();
  callback(now);
  if (now !== frames_ms.newest) frames_ms.times[++frames_ms.count % frames_ms.times.length] = 0;
  frames_ms.newest = now;
  frames_ms.times[frames_ms.count % frames_ms.times.length] += performance.now() - began;
});
"""


async def _kept(tab: Tab) -> dict[str, int]:
    """Return how much the page keeps, without what it has let go: bytes, nodes, listeners."""
    console = await tab.page.context.new_cdp_session(tab.page)
    await console.send("Performance.enable")
    await console.send("HeapProfiler.enable")
    await console.send("HeapProfiler.collectGarbage")
    metrics = (await console.send("Performance.getMetrics"))["metrics"]
    await console.detach()
    names = {"JSHeapUsedSize", *_MOST_MORE}
    return {each["name"]: int(each["value"]) for each in metrics if each["name"] in names}


@pytest.mark.timeout(120 + 90 * _MINUTES)
async def test_long_session_stays_light(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Minutes of results leave heap and document as they were, and most frames are drawn fast."""
    tab = await open_tab(happy_devices, script=_MEASURE_FRAMES, watch=False)
    await tab.start()
    await tab.until_state("live")
    await asyncio.sleep(_WARM_UP_S)
    before = await _kept(tab)
    await tab.page.evaluate("frames_ms.count = 0")
    results = int(await tab.page.evaluate("document.documentElement.dataset.results"))
    await asyncio.sleep(60 * _MINUTES)
    after = await _kept(tab)
    growth = {name: after[name] - count for name, count in before.items()}
    results = int(await tab.page.evaluate("document.documentElement.dataset.results")) - results
    times_ms = np.array(
        await tab.page.evaluate(
            "[...frames_ms.times.subarray(1, Math.min(frames_ms.count, frames_ms.times.length))]"
        )
    )
    middle, p95 = np.percentile(times_ms, [50, 95])
    print(
        f"{_MINUTES:g} minutes, {results} results: "
        f"heap {before['JSHeapUsedSize'] / 1e6:.1f} MB {growth['JSHeapUsedSize'] / 1e3:+.0f} kB, "
        f"{growth['Nodes']:+d} nodes, {growth['JSEventListeners']:+d} listeners; "
        f"{len(times_ms)} frames, median {middle:.2f} ms, 95 % below {p95:.2f} ms"
    )
    assert await tab.state() == "live"
    assert results >= 100 * _MINUTES
    assert growth["JSHeapUsedSize"] <= _MOST_GROWTH_BYTES
    for name, most in _MOST_MORE.items():
        assert growth[name] <= most, name
    # Slow frames on a shared machine are those in which somebody else had the processor.
    assert middle < _MOST_DRAWING_MS
    assert p95 < _MOST_DRAWING_P95_MS
    assert len(times_ms) >= _LEAST_FRAMES_HZ * 60 * _MINUTES
