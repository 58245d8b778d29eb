"""What one person's page sends and receives: ``python -m tests.web.bandwidth --clip FILE``.

The browser counts the bytes of its UDP datagrams; 28 more for each are of IPv4 and UDP.
"""

# ruff: noqa: E402  threads are limited before anything loads numpy

from __future__ import annotations

from models.threads import limit_threads_or_exit

limit_threads_or_exit()

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.media import load_clip
from tests.web.browser import find_browser
from tests.web.conftest import windows
from tests.web.devices import Devices, write_devices
from tests.web.process import ServerProcess, running_server

_HEADERS_BYTES = 28
_SETTLED_S = 10.0  # until the browser sends as much as it wants to

_KEEP_PEERS = """
window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) { super(...given); window.peers.push(this); }
};
"""
_COUNT = """
peers.at(-1).getStats().then((stats) => {
  const { bytesSent, packetsSent, bytesReceived, packetsReceived } =
    [...stats.values()].find(({ type }) => type === 'transport');
  return [bytesSent, packetsSent, bytesReceived, packetsReceived];
})
"""


async def measure(
    browser: str, server: ServerProcess, devices: Devices, seconds: float
) -> tuple[float, float]:
    """Return what goes up and down, in bits a second, headers and all."""
    async with windows(browser, server) as open_tab:
        tab = await open_tab(devices, script=_KEEP_PEERS)
        await tab.start()
        await tab.results(2)
        await asyncio.sleep(_SETTLED_S)
        before = await tab.page.evaluate(_COUNT)
        await asyncio.sleep(seconds)
        after = await tab.page.evaluate(_COUNT)
        await tab.stop()
    sent, sent_packets, received, received_packets = (
        b - a for a, b in zip(before, after, strict=True)
    )
    return (
        (sent + _HEADERS_BYTES * sent_packets) * 8 / seconds,
        (received + _HEADERS_BYTES * received_packets) * 8 / seconds,
    )


def main() -> int:
    """Measure, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path, required=True, help="recording of somebody who speaks")
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args()
    browser = find_browser()
    if browser is None:
        print("error: no Chromium or Chrome on this machine", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        devices = write_devices(load_clip(given.clip), Path(name))
        with running_server(Path(name) / "stderr.txt") as server:
            up, down = asyncio.run(measure(browser, server, devices, given.seconds))
    print(f"{up / 1000:.0f} kbit/s up, {down / 1000:.0f} kbit/s down")
    return 0


if __name__ == "__main__":
    sys.exit(main())
