"""The page when something is in its way: refused, missing, gone, full; and who is impatient."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.web.browser import ALLOW_DEVICES, Tab
from tests.web.conftest import OpenTab, StartProcess
from tests.web.devices import Devices
from tests.web.process import ServerProcess, seconds_until

_NOT_THERE = """
const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (constraints) => {
  if (constraints.%s) throw new DOMException('Requested device not found', 'NotFoundError');
  return getUserMedia(constraints);
};
"""

# Offer and answer arrive without a single address, as if a firewall had eaten all ways.
_NO_ADDRESSES = """
const without = (sdp) => sdp.replaceAll(/a=candidate[^\\r]*\\r\\n/g, '');
const { fetch } = window;
window.fetch = async (url, request) => {
  if (url !== '/offer') return fetch(url, request);
  const { sdp, type } = JSON.parse(request.body);
  return fetch(url, { ...request, body: JSON.stringify({ sdp: without(sdp), type }) });
};
const { setRemoteDescription } = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
  return setRemoteDescription.call(this, { type, sdp: without(sdp) });
};
"""


async def _end_of(tab: Tab, within_s: float = 15.0) -> str:
    """Return the sentence with which the attempt that goes on ends."""
    await tab.until_state("idle", within_s)
    assert await tab.page.is_visible("#error")
    assert await tab.page.is_enabled("#start")
    sentence, status = await tab.text("error", "status")
    assert status == "Not started"
    return sentence


async def test_refused_devices_are_explained(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess
) -> None:
    """When camera and microphone are refused, the page says what to do, and is idle again."""
    tab = await open_tab(happy_devices, flags=("--deny-permission-prompts",))
    await tab.start()
    assert (await _end_of(tab)).startswith("Camera and microphone were refused. Allow one")
    assert tab.offers == 0
    assert await server_process.sessions() == 0


async def test_without_camera_the_voice_works_alone(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """Without a camera results rest on the voice, and the page says so while it goes on."""
    tab = await open_tab(happy_devices, script=_NOT_THERE % "video")
    await tab.start()
    messages = (await tab.results(6))[3:]
    assert {message.evidence for message in messages} == {"voice"}
    sentence, where = await tab.text("error", "empty")
    assert sentence.startswith("Working with the microphone alone: no camera was found")
    assert where == "No camera"
    assert await tab.page.is_visible("#error")
    assert await tab.state() == "live"


async def test_without_microphone_the_face_works_alone(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """Without a microphone results rest on the face, and the page says so while it goes on."""
    tab = await open_tab(happy_devices, script=_NOT_THERE % "audio")
    await tab.start()
    messages = (await tab.results(6))[3:]
    assert {message.evidence for message in messages} == {"face"}
    sentence, voice = await tab.text("error", "voice-label")
    assert sentence.startswith("Working with the camera alone: no microphone was found")
    assert voice == "No microphone"
    assert await tab.state() == "live"


async def test_insecure_page_says_why_there_are_no_devices(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess
) -> None:
    """Over plain http, where browsers hide all devices, the page says what would help."""
    rule = "--host-resolver-rules=MAP emotions.test 127.0.0.1"
    url = server_process.url.replace("127.0.0.1", "emotions.test")
    tab = await open_tab(happy_devices, url=url, flags=(ALLOW_DEVICES, rule))
    await tab.start()
    sentence = await _end_of(tab)
    assert "http://localhost" in sentence
    assert "--self-signed" in sentence


async def test_ten_clicks_start_one_session(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess
) -> None:
    """Start pressed ten times makes one session."""
    tab = await open_tab(happy_devices)
    await tab.page.evaluate(
        """async () => {
          for (let times = 0; times < 10; times++) {
            document.getElementById('start').click();
            if (times > 4) await new Promise((resolve) => setTimeout(resolve, 20));
          }
        }"""
    )
    await tab.results(2)
    assert tab.offers == 1
    assert await server_process.sessions() == 1


async def test_start_and_stop_in_turn_leave_one_session(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess
) -> None:
    """Start and Stop pressed in quick turn leave the last Start's session and no other."""
    tab = await open_tab(happy_devices)
    await tab.page.evaluate(
        """async () => {
          for (const pause_ms of [0, 20, 60, 120, 250, 500]) {
            document.getElementById('start').click();
            await new Promise((resolve) => setTimeout(resolve, pause_ms));
            document.getElementById('stop').click();
          }
          document.getElementById('start').click();
        }"""
    )
    await tab.results(3)
    assert await tab.state() == "live"
    await seconds_until(lambda: server_process.is_serving(1), within_s=4)
    live = await tab.page.evaluate("watched.tracks.filter(t => t.readyState === 'live').length")
    assert live == 2


@pytest.mark.parametrize("after_ms", [0, 15, 40])
async def test_stop_before_the_connection_is_up_ends_the_session(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess, after_ms: int
) -> None:
    """Stop while the offer or the connection is under way leaves nobody's place taken."""
    tab = await open_tab(happy_devices)
    await tab.page.evaluate(
        """(after_ms) => new Promise((resolve) => {
          const { fetch } = window;
          const stop = () => resolve(document.getElementById('stop').click());
          window.fetch = (...request) => {
            const answered = fetch(...request);
            if (request[0] === '/offer') setTimeout(stop, after_ms);
            return answered;
          };
          document.getElementById('start').click();
        })""",
        after_ms,
    )
    assert await tab.state() == "idle"
    assert tab.offers == 1
    await seconds_until(lambda: server_process.is_serving(0), within_s=4)


@pytest.mark.parametrize("ending", ["closed", "crashed"])
async def test_tab_that_ends_ends_its_session(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess, ending: str
) -> None:
    """A tab that is closed, or is gone without a goodbye, does not stay on the server."""
    tab = await open_tab(happy_devices)
    await tab.start()
    await tab.results(2)
    assert await server_process.sessions() == 1
    if ending == "closed":
        await tab.page.close()
    else:
        await _crash(tab)
    ended_s = await seconds_until(lambda: server_process.is_serving(0), within_s=12)
    print(f"session ended {ended_s:.2f} s after its tab was {ending}")


@pytest.mark.parametrize(
    ("flags", "advice"),
    [
        ((), "a TURN server helps there, which the server\u2019s --ice-server setting names"),
        (
            ("--ice-server", "stun:127.0.0.1:9"),
            "--ice-server names did not help: check its address",
        ),
    ],
)
async def test_no_way_through_is_explained(
    open_tab: OpenTab,
    happy_devices: Devices,
    start_process: StartProcess,
    flags: tuple[str, ...],
    advice: str,
) -> None:
    """When no address of the server can be reached, the page names the likely cause and TURN."""
    tab = await open_tab(happy_devices, url=start_process(*flags).url, script=_NO_ADDRESSES)
    began_at = time.monotonic()
    await tab.start()
    await tab.until_text("status", "longer than usual")
    assert time.monotonic() - began_at >= 5
    sentence = await _end_of(tab, within_s=25)
    assert "firewall" in sentence
    assert advice in sentence


async def _crash(tab: Tab) -> None:
    """Have the process that renders the page fall, as it does for a lack of memory."""
    console = await tab.page.context.new_cdp_session(tab.page)
    async with tab.page.expect_event("crash", timeout=5000):
        fall = asyncio.ensure_future(console.send("Page.crash"))  # which nobody answers
    fall.cancel()
