"""What the page sends: no more than the networks look at."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.web.browser import Tab
from tests.web.conftest import OpenTab
from tests.web.devices import Devices

_KEEP_PEERS = """
window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) {
    super(...given);
    peers.push(this);
  }
};
"""
_SENT = """(async () => {
  const sent = { at_ms: performance.now() };
  for (const entry of (await peers[0].getStats()).values()) {
    if (entry.type === 'outbound-rtp') sent[entry.kind] = entry;
  }
  return sent;
})()"""


async def _sent(tab: Tab) -> dict[str, Any]:
    return await tab.page.evaluate(_SENT)


async def _sent_in(tab: Tab, seconds: float) -> tuple[dict[str, Any], dict[str, float]]:
    """Return what is sent now, and what was sent a second meanwhile."""
    before = await _sent(tab)
    await asyncio.sleep(seconds)
    after = await _sent(tab)
    passed_s = (after["at_ms"] - before["at_ms"]) / 1000
    rates = {
        "pictures": after["video"]["framesEncoded"] - before["video"]["framesEncoded"],
        "video_bytes": after["video"]["bytesSent"] - before["video"]["bytesSent"],
        "sound_packets": after["audio"]["packetsSent"] - before["audio"]["packetsSent"],
    }
    return after, {name: count / passed_s for name, count in rates.items()}


async def test_pictures_are_small_and_slow_and_sound_comes_in_long_packets(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """However large a camera's are, at most 240 lines are sent, eight times a second; and sound
    comes 60 ms a packet.
    """
    tab = await open_tab(happy_devices, script=_KEEP_PEERS)
    await tab.start()
    await tab.results(4)
    now, rates = await _sent_in(tab, 5.0)
    print({name: round(rate, 1) for name, rate in rates.items()})
    assert 180 <= now["video"]["frameHeight"] <= 240
    assert 5 < rates["pictures"] < 9
    assert rates["video_bytes"] * 8 < 250_000
    assert 15 < rates["sound_packets"] < 19


async def test_a_camera_that_is_turned_on_again_is_sent_as_small(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """After the camera was off, or is another one, its pictures are made small anew."""
    tab = await open_tab(happy_devices, script=_KEEP_PEERS)
    await tab.page.click("#camera-off")
    await tab.start()
    await tab.results(2)
    await tab.page.click("#camera-off")
    await tab.until("!document.getElementById('face-box').hidden")
    now, rates = await _sent_in(tab, 3.0)
    assert 180 <= now["video"]["frameHeight"] <= 240
    assert rates["pictures"] < 9
