"""What the screen makes of messages that are made up, of sound, and of a session that is over."""

from __future__ import annotations

import re
from typing import Any

import cv2
import numpy as np
import pytest

from models.emotions import EMOTIONS
from tests.web.browser import Tab
from tests.web.conftest import OpenTab
from tests.web.devices import Devices

_BOX = {"x": 0.1, "y": 0.25, "width": 0.2, "height": 0.3}

# A camera's picture that is black but for a red field where the message says that a face is.
_SHOW_FIELD = """
async ([width, height, box]) => {
  const { showCamera } = await import('/static/view.js');
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d');
  showCamera(canvas.captureStream().getVideoTracks()[0], '');
  context.fillRect(0, 0, width, height);
  context.fillStyle = 'red';
  context.fillRect(box.x * width, box.y * height, box.width * width, box.height * height);
}
"""
_SHOW_MESSAGE = """
async ([message, off]) => (await import('/static/view.js')).showMessage(message, off)
"""
# Once more, as the page's own, with a history of two results.
_SUM_UP = """
async (message) => {
  const { History } = await import('/static/history.js');
  const { Summary } = await import('/static/summary.js');
  const history = new History();
  for (const after_ms of [500, 1000]) history.add(history.startedAt_ms + after_ms, message);
  new Summary().show(history, { models: null, settings: null });
}
"""


def _modality(label: str, share: float) -> dict[str, Any]:
    """Return a result in which all but one emotion have different small shares."""
    weights = [index + 1 for index, _ in enumerate(EMOTIONS)]
    rest = sum(weights) - weights[EMOTIONS.index(label)]
    shares = {
        emotion: (1 - share) * weight / rest
        for emotion, weight in zip(EMOTIONS, weights, strict=True)
    }
    return {"label": label, "probabilities": {**shares, label: share}, "age_ms": 0}


def _message(**said: dict[str, Any] | None) -> dict[str, Any]:
    """Return a message with the modalities that are given, and the best five of fused."""
    fused = said.get("fused")
    ranked = sorted(fused["probabilities"].items(), key=lambda entry: -entry[1]) if fused else []
    return {
        "voice": None,
        "face": None,
        "fused": None,
        "audio_level": 0.1,
        **said,
        "top5": [{"label": label, "probability": share} for label, share in ranked[:5]],
    }


@pytest.mark.parametrize("size", [(640, 480), (640, 360), (480, 640)], ids=str)
async def test_face_box_lies_on_the_mirrored_face(
    open_tab: OpenTab, happy_devices: Devices, size: tuple[int, int]
) -> None:
    """The box lies where the mirrored picture shows the face, whatever shape the picture has."""
    tab = await open_tab(happy_devices)
    await tab.page.evaluate(_SHOW_FIELD, [*size, _BOX])
    await tab.until(f"document.getElementById('camera').videoWidth === {size[0]}")
    stage = tab.page.locator(".picture")
    red = await _red_field(tab)
    face = {**_modality("happy", 0.8), "box": _BOX}
    await tab.page.evaluate(_SHOW_MESSAGE, [_message(face=face), {}])
    assert await tab.text("face-tag") == ["Happy"]
    shown, framed = await stage.bounding_box(), await tab.page.locator("#face-box").bounding_box()
    assert shown
    assert framed
    found = [
        framed["x"] - shown["x"],
        framed["y"] - shown["y"],
        min(framed["x"] - shown["x"] + framed["width"], shown["width"]),  # The rest is cut off.
        framed["y"] - shown["y"] + framed["height"],
    ]
    assert found == pytest.approx(red, abs=3)
    if size == (640, 480):  # which fits: here the share can be told beforehand
        left = 1 - _BOX["x"] - _BOX["width"]
        assert found[0] / shown["width"] == pytest.approx(left, abs=0.005)
    style = "getComputedStyle(document.getElementById('camera')).transform"
    assert await tab.page.evaluate(style) == "matrix(-1, 0, 0, 1, 0, 0)"


async def _red_field(tab: Tab) -> list[int]:
    """Return left, top, right and bottom of what is red in the picture, once it is there."""
    for _ in range(40):
        shot = await tab.page.locator(".picture").screenshot()
        picture = cv2.imdecode(np.frombuffer(shot, np.uint8), 1).astype(int)
        rows, columns = np.nonzero(
            (picture[..., 2] > 180) & (picture[..., 1] < 80) & (picture[..., 0] < 80)
        )
        if len(rows):
            return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    pytest.fail("the picture was not shown")


async def test_cards_show_every_share(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Each card has its label, and seven bars as long as their shares; fused has its best five."""
    tab = await open_tab(happy_devices)
    said = {
        "voice": _modality("sad", 0.41),
        "face": {**_modality("happy", 0.83), "box": _BOX},
        "fused": _modality("surprise", 0.62),
    }
    message = _message(**said)
    await tab.page.evaluate(_SHOW_MESSAGE, [message, {}])
    for name, modality in said.items():
        label, share = modality["label"], modality["probabilities"][modality["label"]]
        words = await tab.text(f"{name}-label", f"{name}-probability")
        assert words == [label.capitalize(), _percent(share)]
        wanted = [(each, modality["probabilities"][each]) for each in EMOTIONS]
        assert await _lines(tab, f"{name}-bars") == _as_lines(wanted)
    ranked = [(line["label"], line["probability"]) for line in message["top5"]]
    assert ranked[0][0] == "surprise"
    assert await _lines(tab, "top5") == _as_lines(ranked)


async def _lines(tab: Tab, element: str) -> list[list[Any]]:
    """Return name, length of the bar in thousandths and written share of each line."""
    return await tab.page.evaluate(
        """(id) => [...document.getElementById(id).children].map((line) => {
          const [name, bar, share] = line.children;
          const length = Math.round(1000 * bar.style.getPropertyValue('--share'));
          return [name.textContent, length, share.textContent];
        })""",
        element,
    )


def _as_lines(shares: list[tuple[str, float]]) -> list[list[Any]]:
    return [[label.capitalize(), round(1000 * share), _percent(share)] for label, share in shares]


def _percent(share: float) -> str:
    return f"{int(share * 100 + 0.5)} %"


async def test_what_is_off_is_said_to_be_off(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Why a modality is off wins over what the server still says of it, and is said at once."""
    tab = await open_tab(happy_devices)
    face = {**_modality("happy", 0.8), "box": _BOX}
    message = _message(voice=_modality("sad", 0.6), face=face, fused=_modality("happy", 0.7))
    await tab.page.evaluate(_SHOW_MESSAGE, [message, {"voice": "Microphone muted", "face": ""}])
    assert await tab.text("voice-label", "face-label") == ["Microphone muted", "Happy"]
    await tab.page.evaluate(
        "async () => (await import('/static/view.js')).showOff({ voice: '', face: 'No camera' })"
    )
    assert await tab.text("face-label", "fused-label") == ["No camera", "Happy"]
    lengths = [line[1] for line in await _lines(tab, "face-bars")]
    assert lengths == [0] * len(EMOTIONS)


async def test_page_says_what_it_does_with_people(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """Before Start it says what is captured, where it goes, what it means; after, who has it."""
    tab = await open_tab(happy_devices)
    intro = " ".join((await tab.page.inner_text(".intro")).split())
    for part in (
        "s picture and your microphone",
        "s sound go to this server",
        "to nobody else",
        "stores nothing",
    ):
        assert part in intro
    assert "apparent expression" in intro
    assert "not what you feel inside" in intro
    assert await tab.page.is_visible(".intro")
    await tab.page.evaluate(_SUM_UP, _message(fused=_modality("happy", 0.7)))
    kept = tab.page.get_by_text("These results exist in this page alone")
    assert await kept.is_visible()


async def test_summary_is_dated_and_goes_with_the_next_start(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """A summary says when its session began, and is gone when another begins, even in vain."""
    tab = await open_tab(happy_devices, flags=("--deny-permission-prompts",))
    await tab.page.evaluate(_SUM_UP, _message(fused=_modality("happy", 0.7)))
    facts = (await tab.text("summary-facts"))[0]
    today = await tab.page.evaluate("new Date().toLocaleString([], { dateStyle: 'medium' })")
    assert facts.startswith(today)
    assert re.search(r"\d:\d\d", facts)
    assert await tab.page.is_visible("#summary")
    await tab.start()
    await tab.page.wait_for_selector("#error:not([hidden])")
    assert await tab.state() == "idle"
    assert not await tab.page.is_visible("#summary")


async def test_level_follows_the_microphone(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Rim and meter show the sound while it is heard, and nothing when it is muted."""
    tab = await open_tab(happy_devices)
    rim = "Number(document.getElementById('stage').style.getPropertyValue('--level'))"
    meter = "Number(document.getElementById('level').style.getPropertyValue('--share'))"
    await tab.start()
    await tab.until(f"{rim} > 0.2 && {meter} === {rim}")
    await tab.page.click("#mute")
    await tab.until(f"{rim} === 0 && {meter} === 0")
