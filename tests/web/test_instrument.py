"""What people can do while it runs and take home: devices, settings, timeline, summary, files."""

from __future__ import annotations

import csv
import io
import json

import cv2
import numpy as np

from eval.timeline import COLUMNS
from models.emotions import EMOTIONS
from rtc.messages import ModalityMessage
from tests.web.browser import Tab
from tests.web.conftest import OpenTab
from tests.web.devices import Devices

UNCERTAIN_BELOW = 0.35  # as web/emotions.js has it


async def _download(tab: Tab, button: str) -> bytes:
    async with tab.page.expect_download() as coming:
        await tab.page.click(button)
    download = await coming.value
    assert download.suggested_filename.startswith("emotions-20")
    path = await download.path()
    return path.read_bytes()


def _shown_label(said: ModalityMessage | None) -> str:
    """Return what the page calls a result: it does not name what is too weak."""
    if said is None:
        return ""
    return said.label if said.probabilities[said.label] >= UNCERTAIN_BELOW else "uncertain"


async def test_muting_is_seen_as_muted(open_tab: OpenTab, happy_devices: Devices) -> None:
    """A muted microphone and a camera that is off give no evidence, say so, and come back."""
    tab = await open_tab(happy_devices)
    await tab.start()
    await tab.results(4)
    await tab.page.click("#mute")
    await tab.page.click("#camera-off")
    assert await tab.text("mute", "camera-off") == ["Unmute", "Turn on"]
    await tab.results(1)
    message, screen = await tab.shown()
    assert message.voice  # The server counts for a while what it heard before; the cards do not.
    assert screen["voice"][0] == "Microphone muted"
    assert screen["face"][0] == "Camera turned off"
    assert (await tab.results(8))[-1].evidence == "none"
    kinds = await tab.page.evaluate(
        "watched.tracks.filter((track) => track.readyState === 'live').map((track) => track.kind)"
    )
    assert kinds == ["audio"]  # the camera's light is out
    off, empty = await tab.text("off", "empty")
    assert off == "Voice is off: microphone muted · Face is off: camera turned off"
    assert empty == "Camera turned off"
    await tab.page.click("#mute")
    await tab.page.click("#camera-off")
    await tab.until("document.getElementById('off').textContent === ''")
    messages = await tab.results(8)
    assert messages[-1].evidence == "both"
    assert tab.offers == 1


async def test_other_devices_without_a_new_offer(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Another microphone is taken while results go on: no new offer, and the old one is off."""
    tab = await open_tab(happy_devices)
    await tab.start()
    await tab.results(2)
    choices = await tab.page.evaluate(
        "[...document.getElementById('microphone').options].map((option) => option.value)"
    )
    assert len(choices) > 1
    before = await tab.page.evaluate("document.getElementById('microphone').value")
    other = next(choice for choice in choices if choice != before)
    await tab.page.select_option("#microphone", other)
    await tab.until("watched.tracks.length === 3")
    messages = await tab.results(3)
    assert messages[-1].audio_level > 0
    states = await tab.page.evaluate(
        "watched.tracks.map((track) => [track.kind, track.readyState])"
    )
    assert sorted(map(tuple, states)) == [("audio", "ended"), ("audio", "live"), ("video", "live")]
    used = await tab.page.evaluate("watched.tracks[2].getSettings().deviceId")
    assert used == other
    assert tab.offers == 1
    assert len(await tab.page.evaluate("watched.offers")) == 1


async def test_unplugged_camera_leaves_the_voice(open_tab: OpenTab, happy_devices: Devices) -> None:
    """When the camera goes, the page says so and goes on with the voice; plugged in, it is used."""
    tab = await open_tab(happy_devices)
    await tab.start()
    await tab.results(2)
    await tab.unplug("video")
    assert (await tab.text("error"))[0].startswith(
        "Working with the microphone alone: the camera has stopped"
    )
    await tab.until_text("face-label", "No camera")
    assert await tab.page.is_hidden("#face-box")
    assert await tab.state() == "live"
    await tab.page.evaluate("navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    await tab.until("!document.getElementById('face-box').hidden")
    assert await tab.text("error") == [""]
    assert tab.offers == 1


async def test_settings_take_effect_at_once(open_tab: OpenTab, happy_devices: Devices) -> None:
    """The weight of the voice, moved to its ends, makes fused equal the face, then the voice."""
    tab = await open_tab(happy_devices)
    await tab.start()
    await tab.results(4)
    await tab.page.click("details.settings summary")
    assert await tab.page.input_value("#voice-smooth") == "5"
    for key, alone in (("Home", "face"), ("End", "voice")):
        await tab.page.focus("#w-voice")
        await tab.page.keyboard.press(key)
        await tab.until_text("settings-answer", "In force.")
        message = (await tab.results(2))[-1]
        assert message.fused
        assert message.fused.probabilities == getattr(message, alone).probabilities
    assert (await tab.text("w-voice-value"))[0] == "voice 100 %, face 0 %"


async def test_settings_are_wanted_from_the_next_session_too(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """A slider moved before Start applies to the session that begins."""
    tab = await open_tab(happy_devices)
    await tab.page.click("details.settings summary")
    await tab.page.focus("#w-voice")
    await tab.page.keyboard.press("Home")
    await tab.start()
    message = (await tab.results(5))[-1]
    assert message.fused
    assert message.face
    assert message.voice
    assert message.fused.probabilities == message.face.probabilities
    assert (await tab.text("w-voice-value"))[0] == "voice 0 %, face 100 %"


async def test_refused_settings_are_explained_and_taken_back(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """What the server refuses is said with its reason, and the slider shows what is in force."""
    tab = await open_tab(happy_devices)
    await tab.start()
    await tab.results(2)
    await tab.page.evaluate(
        """() => {
          document.querySelector('details.settings').open = true;
          const slider = document.getElementById('face-smooth');
          slider.max = 99;
          slider.value = 99;
          slider.dispatchEvent(new Event('input'));
        }"""
    )
    await tab.until_text("settings-answer", "Not applied: ")
    answer = (await tab.text("settings-answer"))[0]
    assert answer == "Not applied: face_smooth_k must be an integer between 1 and 12, not 99."
    await tab.until("document.getElementById('face-smooth').value === '10'")


async def test_timeline_tells_its_values(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Pointer and arrow keys read values off the timeline; paused, it stands still."""
    tab = await open_tab(happy_devices)
    await tab.start()
    await tab.results(8)
    canvas = tab.page.locator("#timeline")
    await canvas.scroll_into_view_if_needed()
    await canvas.focus()
    await tab.page.keyboard.press("ArrowLeft")
    first = (await tab.text("readout"))[0]
    assert " · Fused: " in first
    assert " · Voice: " in first
    await tab.page.keyboard.press("ArrowLeft")
    await tab.page.keyboard.press("ArrowLeft")
    assert (await tab.text("readout"))[0] != first
    assert await canvas.get_attribute("aria-valuetext") == (await tab.text("readout"))[0]
    await tab.page.keyboard.press("Escape")
    assert (await tab.text("readout"))[0] == ""

    await tab.page.click("#pause")
    still = await canvas.screenshot()
    await tab.results(2)
    assert await canvas.screenshot() == still
    box = await canvas.bounding_box()
    assert box
    await tab.page.mouse.move(box["x"] + box["width"] - 30, box["y"] + 80)
    await tab.until("document.getElementById('readout').textContent !== ''")
    await tab.page.click("#pause")
    await tab.results(1)
    assert await canvas.screenshot() != still


async def test_session_can_be_taken_home(open_tab: OpenTab, happy_devices: Devices) -> None:
    """After Stop there is a summary, and CSV, JSON and PNG hold what was received."""
    tab = await open_tab(happy_devices)
    await tab.start()
    await tab.results(8)
    # A result may be on its way, and is none of the session's any more.
    count = await tab.page.evaluate(
        "document.getElementById('stop').click(), watched.arrivals.length"
    )
    arrivals = (await tab.arrivals())[:count]
    assert await tab.page.is_visible("#summary")
    facts = (await tab.text("summary-facts"))[0]
    assert facts.endswith(f", {len(arrivals)} results.")

    table = (await _download(tab, "#save-csv")).decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(arrivals)
    for row, arrival in zip(rows, arrivals, strict=True):
        message = arrival.message
        assert row["evidence"] == message.evidence
        for name in ("voice", "face", "fused"):
            said = getattr(message, name)
            assert row[f"{name}_label"] == _shown_label(said)
            for emotion in EMOTIONS:
                wanted = said.probabilities[emotion] if said else None
                assert (float(row[f"{name}_{emotion}"] or "nan") == wanted) is (said is not None)

    document = json.loads(await _download(tab, "#save-json"))
    assert [
        result["fused"] and result["fused"]["probabilities"] for result in document["results"]
    ] == [arrival.message.fused and arrival.message.fused.probabilities for arrival in arrivals]
    assert document["settings"] == {"w_voice": 0.6, "voice_smooth_k": 5, "face_smooth_k": 10}
    assert document["models"]["face"]["name"] == "face_mobilenetv3"

    picture = cv2.imdecode(np.frombuffer(await _download(tab, "#save-png"), np.uint8), 1)
    assert picture.shape == (520, 1600, 3)
    colours = np.unique(picture.reshape(-1, 3), axis=0)
    assert len(colours) > 50
    shares = await tab.page.evaluate(
        """[...document.querySelectorAll('#shares td:last-child')]
           .map((cell) => parseFloat(cell.textContent))"""
    )
    assert abs(sum(shares) - 100) <= 4.5  # each of nine is rounded


async def test_space_starts_and_stops(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Space starts, and stops what runs, but only where the key has no other use."""
    tab = await open_tab(happy_devices)
    await tab.page.keyboard.press("Space")
    await tab.until_state("live")
    await tab.page.focus("#mute")
    await tab.page.keyboard.press("Space")
    assert await tab.state() == "live"
    assert await tab.text("mute") == ["Unmute"]
    await tab.page.evaluate("document.activeElement.blur()")
    await tab.page.keyboard.press("Space")
    assert await tab.state() == "idle"
