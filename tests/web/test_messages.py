"""What the page makes of messages that come late, twice, or from another server than it knows."""

from __future__ import annotations

import json

from tests.web.conftest import OpenTab
from tests.web.devices import Devices

# Lets the test speak over the data channel as the server does.
_REACH_CHANNEL = """
const { createDataChannel } = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.createDataChannel = function (...given) {
  return (window.channel = createDataChannel.apply(this, given));
};
window.hear = (text) => channel.dispatchEvent(new MessageEvent('message', { data: text }));
"""
_COUNT = "Number(document.documentElement.dataset.results)"


async def test_late_message_is_passed_over(open_tab: OpenTab, happy_devices: Devices) -> None:
    """A message that an already shown one has overtaken changes nothing on the screen."""
    tab = await open_tab(happy_devices, script=_REACH_CHANNEL)
    await tab.start()
    newest = (await tab.results(3))[-1]
    late = json.dumps({**json.loads(newest.to_json()), "sequence": newest.sequence - 1})
    early = json.dumps({**json.loads(newest.to_json()), "sequence": newest.sequence + 1000})
    for text, more in ((late, 0), (newest.to_json(), 0), (early, 1), (late, 0)):
        counted = await tab.page.evaluate(
            f"(text) => {{ const before = {_COUNT}; hear(text); return {_COUNT} - before; }}", text
        )
        assert counted == more


async def test_other_version_ends_the_session(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Messages that this page cannot read end the session; it says to reload and does not retry."""
    tab = await open_tab(happy_devices, script=_REACH_CHANNEL)
    await tab.start()
    await tab.results(1)
    await tab.page.evaluate("""hear('{"version": 2, "type": "emotion"}')""")
    await tab.until_state("idle")
    assert await tab.text("error", "status") == [
        "The server\u2019s messages are of another version: reload this page.",
        "Ended",
    ]
    assert tab.offers == 1


async def test_unknown_kind_of_message_is_passed_over(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """A newer server may send more than this page knows; the session goes on."""
    tab = await open_tab(happy_devices, script=_REACH_CHANNEL)
    await tab.start()
    await tab.results(1)
    await tab.page.evaluate("""hear('{"version": 1, "type": "weather"}')""")
    await tab.results(2)
    assert await tab.text("error", "status") == ["", "Live"]


async def test_server_that_answers_oddly_is_asked_again(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """A failing server is said to be there but out of order, and the page goes on asking."""
    tab = await open_tab(happy_devices)
    tab.tolerated = ("500 (Internal Server Error)",)
    await tab.page.route("**/config", lambda route: route.fulfill(status=500))
    await tab.start()
    await tab.until_state("reconnecting")
    assert (await tab.text("error"))[0].startswith("The server is there, but does not answer")
    await tab.page.unroute("**/config")
    await tab.results(1)
    assert await tab.text("error", "status") == ["", "Live"]
