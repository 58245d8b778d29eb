"""Devices that come, go, and are chosen faster than they can be opened."""

from __future__ import annotations

import pytest

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
# The browser asks until the person, that is the test, has answered.
_PROMPT = """
const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
const answered = new Promise((resolve) => (window.answer = resolve));
navigator.mediaDevices.getUserMedia = async (constraints) => {
  await answered;
  return getUserMedia(constraints);
};
"""
# The microphones in `gone` are not there; `unplug` puts the one in use among them.
_UNPLUGGABLE = """
const { mediaDevices } = navigator;
const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
const enumerateDevices = mediaDevices.enumerateDevices.bind(mediaDevices);
window.gone = [];
mediaDevices.enumerateDevices = async () =>
  (await enumerateDevices()).filter(({ deviceId }) => !gone.includes(deviceId));
mediaDevices.getUserMedia = async (constraints) => {
  if (gone.includes(constraints.audio?.deviceId?.exact)) throw new OverconstrainedError('deviceId');
  return getUserMedia(constraints);
};
window.plug = (ids) => {
  window.gone = ids;
  mediaDevices.dispatchEvent(new Event('devicechange'));
};
"""
# As on many phones: a second microphone cannot be opened beside the first, and some never can.
_ONE_AT_A_TIME = """
const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
window.opened = [];
navigator.mediaDevices.getUserMedia = async (constraints) => {
  const wanted = constraints.audio?.deviceId?.exact;
  const isBusy = opened.some((track) => track.kind === 'audio' && track.readyState === 'live');
  if (constraints.audio && (isBusy || (wanted && wanted === window.broken))) {
    throw new DOMException('busy', 'NotReadableError');
  }
  const stream = await getUserMedia(constraints);
  opened.push(...stream.getTracks());
  return stream;
};
"""
_NO_MICROPHONE = """
const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (constraints) => {
  if (constraints.audio) throw new DOMException('none', 'NotFoundError');
  return getUserMedia(constraints);
};
"""
_MICROPHONE = "document.getElementById('microphone')"
_ONE_REFUSED = """
const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (constraints) => {
  if (constraints.video) throw new DOMException('Permission denied', 'NotAllowedError');
  return getUserMedia(constraints);
};
"""


class _TwoCameras(Devices):
    """Of a file Chromium makes one camera only; these show its own drawings."""

    @property
    def flags(self) -> tuple[str, str]:
        return (
            "--use-fake-device-for-media-stream=device-count=2",
            f"--use-file-for-fake-audio-capture={self.microphone}",
        )


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


async def test_turned_off_while_the_browser_asks(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Who mutes and turns the camera off before answering the browser sends nothing at all."""
    tab = await open_tab(happy_devices, script=_PROMPT)
    await tab.start()
    await tab.page.click("#mute")
    await tab.page.click("#camera-off")
    await tab.page.evaluate("answer()")
    messages = await tab.results(4)
    assert {message.evidence for message in messages} == {"none"}
    assert {message.audio_level for message in messages} == {0}
    assert await tab.text("voice-label", "face-label", "mute", "camera-off") == [
        "Microphone muted",
        "Camera turned off",
        "Unmute",
        "Turn on",
    ]
    await tab.page.click("#mute")
    await tab.page.click("#camera-off")
    await tab.until("!document.getElementById('face-box').hidden")
    await tab.until("document.getElementById('voice-label').textContent !== 'Microphone muted'")


async def test_chosen_while_the_browser_asks(open_tab: OpenTab, happy_devices: Devices) -> None:
    """A microphone that is chosen before the browser is answered is the one that is sent."""
    tab = await open_tab(happy_devices, script=_PROMPT)
    await tab.until(f"{_MICROPHONE}.length > 1")
    await tab.start()
    wanted = await tab.page.evaluate(_CHOOSE, 2)
    await tab.page.evaluate("answer()")
    await tab.results(1)
    sent = "watched.tracks.filter((track) => track.kind === 'audio').at(-1)"
    await tab.until(f"{sent}.getSettings().deviceId === '{wanted}'")


async def test_microphone_that_goes_and_comes_back(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """The face goes on without it, no other microphone is opened unasked, and it is taken back."""
    tab = await open_tab(happy_devices, script=_UNPLUGGABLE)
    await tab.start()
    await tab.results(1)
    chosen = await tab.page.evaluate(_CHOOSE, 1)
    sent = "watched.tracks.filter((track) => track.kind === 'audio')"
    await tab.until(f"{sent}.at(-1).getSettings().deviceId === '{chosen}'")
    count = await tab.page.evaluate(f"{sent}.length")
    await tab.unplug("audio")
    await tab.page.evaluate("(id) => plug([id])", chosen)
    await tab.until_text("error", "Working with the camera alone: the microphone has stopped")
    await tab.until(f"{_MICROPHONE}.selectedOptions[0].text === 'Choose a microphone'")
    await tab.until_text("voice-label", "No microphone")
    assert await tab.page.evaluate(f"{sent}.length") == count
    await tab.page.evaluate("plug([])")
    await tab.until(f"{sent}.at(-1).readyState === 'live'")
    assert await tab.page.evaluate(f"{sent}.at(-1).getSettings().deviceId") == chosen
    await tab.until("document.getElementById('error').textContent === ''")
    assert tab.offers == 1


async def test_chosen_device_that_is_gone_does_not_stand_in_the_way(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """Another microphone can be chosen live, and the next session begins with one that is there."""
    tab = await open_tab(happy_devices, script=_UNPLUGGABLE)
    await tab.start()
    await tab.results(1)
    chosen = await tab.page.evaluate(_CHOOSE, 1)
    sent = "watched.tracks.filter((track) => track.kind === 'audio').at(-1)"
    await tab.until(f"{sent}.getSettings().deviceId === '{chosen}'")
    await tab.unplug("audio")
    await tab.page.evaluate("(id) => plug([id])", chosen)
    await tab.until(f"{_MICROPHONE}.selectedOptions[0].text === 'Choose a microphone'")
    other = await tab.page.evaluate(_CHOOSE, 1)
    assert other not in {"", chosen}
    await tab.until(f"{sent}.getSettings().deviceId === '{other}'")
    await tab.stop()
    await tab.page.evaluate("(id) => plug([id])", other)
    await tab.start()
    await tab.results(1)
    assert await tab.page.evaluate(f"{sent}.readyState") == "live"
    assert await tab.text("error") == [""]


@pytest.mark.parametrize("is_broken", [False, True])
async def test_one_device_at_a_time(
    open_tab: OpenTab, happy_devices: Devices, *, is_broken: bool
) -> None:
    """Where only one can be open, the one before makes room, and comes back if that is no help."""
    tab = await open_tab(happy_devices, script=_ONE_AT_A_TIME)
    await tab.start()
    await tab.results(1)
    before = await tab.page.evaluate(f"{_MICROPHONE}.value")
    if is_broken:
        await tab.page.evaluate(f"window.broken = {_MICROPHONE}.options[1].value")
    wanted = await tab.page.evaluate(_CHOOSE, 1)
    tracks = "watched.tracks.filter((track) => track.kind === 'audio')"
    await tab.until(f"{tracks}.length === 2")
    assert await tab.page.evaluate(f"{tracks}.map((track) => track.readyState)") == [
        "ended",
        "live",
    ]
    in_use = before if is_broken else wanted
    await tab.until(f"{_MICROPHONE}.value === '{in_use}'")
    words = "Nothing was switched: the microphone does not answer" if is_broken else ""
    assert (await tab.text("error"))[0].startswith(words)
    assert (await tab.results(4))[-1].audio_level > 0


async def test_two_cameras(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Another camera is sent and shown without a new offer, and the one before is closed."""
    tab = await open_tab(_TwoCameras(happy_devices.camera, happy_devices.microphone))
    await tab.start()
    await tab.results(1)
    await tab.page.select_option("#camera-choice", index=1)
    tracks = "watched.tracks.filter((track) => track.kind === 'video')"
    await tab.until(f"{tracks}.length === 2")
    assert await tab.page.evaluate(f"{tracks}.map((track) => track.readyState)") == [
        "ended",
        "live",
    ]
    await tab.until(f"document.querySelector('video').srcObject.getTracks()[0] === {tracks}.at(-1)")
    assert tab.offers == 1


async def test_nothing_left_to_send_is_said(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Without a microphone, turning the camera off ends the session, and the page says so."""
    tab = await open_tab(happy_devices, script=_NO_MICROPHONE)
    await tab.start()
    await tab.results(1)
    await tab.page.click("#camera-off")
    await tab.until_state("idle")
    assert await tab.text("error", "status") == [
        "Nothing is sent any more: the camera is off, and no microphone was found; plug one in.",
        "Ended",
    ]


async def test_camera_that_the_system_pauses(open_tab: OpenTab, happy_devices: Devices) -> None:
    """A paused camera is said to be paused, not taken for a picture without a face."""
    tab = await open_tab(happy_devices)
    await tab.start()
    await tab.results(2)
    await tab.page.evaluate(
        """() => {
          const track = watched.tracks.find(({ kind }) => kind === 'video');
          Object.defineProperty(track, 'muted', { value: true, configurable: true });
          track.dispatchEvent(new Event('mute'));
        }"""
    )
    await tab.until_text("off", "camera paused")
