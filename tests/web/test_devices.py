"""Devices that come, go, and are chosen faster than they can be opened."""

from __future__ import annotations

from tests.web.conftest import OpenTab, StartProcess
from tests.web.devices import Devices

# From the second request on a device takes half a second to open, as real ones do.
_SLOW = """
const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
window.opened = [];
navigator.mediaDevices.getUserMedia = async (constraints) => {
  if (opened.length) await new Promise((resolve) => setTimeout(resolve, 500));
  const stream = await getUserMedia(constraints);
  opened.push(...stream.getTracks());
  return stream;
};
"""
_CHOOSE = """
(index) => {
  const list = document.getElementById('microphone');
  list.selectedIndex = index;
  list.dispatchEvent(new Event('change'));
  return list.value;
}
"""
_ONE_REFUSED = """
const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (constraints) => {
  if (constraints.video) throw new DOMException('Permission denied', 'NotAllowedError');
  return getUserMedia(constraints);
};
"""


async def test_stop_during_a_switch_closes_everything(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """A microphone that opens after Stop is closed at once, and nothing is said of it."""
    tab = await open_tab(happy_devices, script=_SLOW)
    await tab.start()
    await tab.results(1)
    await tab.page.evaluate(_CHOOSE, 1)
    await tab.stop()
    await tab.until("opened.length === 3")
    await tab.until("opened.every((track) => track.readyState === 'ended')")
    assert await tab.text("error", "status") == ["", "Stopped"]


async def test_last_choice_wins(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Of two choices in quick turn the later one is sent and shown, and all others are closed."""
    tab = await open_tab(happy_devices, script=_SLOW)
    await tab.start()
    await tab.results(1)
    first = await tab.page.evaluate("document.getElementById('microphone').selectedIndex")
    count = await tab.page.evaluate("document.getElementById('microphone').length")
    others = [index for index in range(count) if index != first]
    for index in others[:2]:
        wanted = await tab.page.evaluate(_CHOOSE, index)
    await tab.until(f"opened.length === {2 + len(others[:2])}")
    live = "opened.filter((track) => track.kind === 'audio' && track.readyState === 'live')"
    await tab.until(f"{live}.length === 1")
    assert await tab.page.evaluate(f"{live}[0].getSettings().deviceId") == wanted
    await tab.until(f"document.getElementById('microphone').value === '{wanted}'")
    assert tab.offers == 1


async def test_devices_change_while_the_server_is_away(
    open_tab: OpenTab, happy_devices: Devices, start_process: StartProcess
) -> None:
    """A camera that goes while the page waits for the server is still known to be gone after."""
    server = start_process()
    tab = await open_tab(happy_devices, url=server.url)
    tab.tolerated = ("net::ERR_CONNECTION_REFUSED",)
    await tab.start()
    await tab.results(2)
    server.kill()
    await tab.until_state("reconnecting")
    await tab.unplug("video")
    await tab.until_text("error", "the camera has stopped")
    server.process.wait()
    start_process("--port", server.url.rpartition(":")[2])
    messages = await tab.results(4)
    assert messages[-1].evidence == "voice"
    assert (await tab.text("error"))[0].startswith(
        "Working with the microphone alone: the camera has stopped"
    )


async def test_both_devices_lost_end_the_session(open_tab: OpenTab, happy_devices: Devices) -> None:
    """When microphone and camera go, the session ends and says why."""
    tab = await open_tab(happy_devices)
    await tab.start()
    await tab.results(1)
    await tab.unplug("audio", "video")
    await tab.until_state("idle")
    sentence = (await tab.text("error"))[0]
    assert "The camera has stopped" in sentence
    assert "The microphone has stopped" in sentence


async def test_one_device_refused(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Who refuses the camera alone is heard all the same, and told how to allow it."""
    tab = await open_tab(happy_devices, script=_ONE_REFUSED)
    await tab.start()
    messages = (await tab.results(6))[3:]
    assert {message.evidence for message in messages} == {"voice"}
    assert (await tab.text("error"))[0] == (
        "Working with the microphone alone: the camera was refused; "
        "allow it in the browser\u2019s settings for this page."
    )


async def test_camera_off_before_start_is_never_opened(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """A camera that is off when Start is pressed stays closed until it is turned on."""
    tab = await open_tab(happy_devices)
    await tab.page.click("#camera-off")
    await tab.start()
    await tab.results(3)
    kinds = "watched.tracks.map((track) => track.kind)"
    assert await tab.page.evaluate(kinds) == ["audio"]
    assert await tab.text("face-label", "error") == ["Camera turned off", ""]
    await tab.page.click("#camera-off")
    await tab.until("!document.getElementById('face-box').hidden")
    assert await tab.page.evaluate(kinds) == ["audio", "video"]
    assert tab.offers == 1
