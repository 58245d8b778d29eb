"""Keys, fingers and mice that read values off the timeline, and what a screen reader hears."""

from __future__ import annotations

from tests.web.browser import Tab
from tests.web.conftest import OpenTab
from tests.web.devices import Devices
from tests.web.made_up import HAPPY, SAD, SESSION, SUM_UP, open_as_live, show_last_minute


async def test_keys_read_the_summary(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Arrow keys read result by result, and a screen reader hears where that is, in seconds."""
    tab = await open_as_live(open_tab, happy_devices)
    await tab.page.evaluate(SUM_UP, SESSION)
    assert await _slider(tab, "summary-timeline") == ["0", "10", "10"]
    await tab.page.focus("#summary-timeline")
    await tab.page.keyboard.press("Home")
    assert (await tab.text("summary-readout"))[0].startswith("0:06 · ")  # the first key: the newest
    await tab.page.keyboard.press("Home")
    for _ in range(2):
        await tab.page.keyboard.press("ArrowRight")
    assert (await tab.text("summary-readout"))[0].split(" · ") == [
        "0:02",
        "Fused: Sad 60 %, Angry 7 %, Disgust 7 %",
        "Voice: Uncertain (Fear 34 %)",
        "Face: Sad 60 %",
    ]
    await tab.page.keyboard.press("ArrowRight")
    await tab.page.keyboard.press("ArrowRight")
    assert (await tab.text("summary-readout"))[0].startswith("0:05 · Fused: Happy 80 %")
    assert await _slider(tab, "summary-timeline") == ["0", "10", "5"]
    await tab.page.mouse.move(0, 0)  # What a key chose stays where no pointer is.
    assert await _slider(tab, "summary-timeline") == ["0", "10", "5"]


async def test_screen_reader_hears_how_long_ago(open_tab: OpenTab, happy_devices: Devices) -> None:
    """On the running timeline a place is told in seconds before now."""
    tab = await open_as_live(open_tab, happy_devices)
    said = [[half / 2, HAPPY, SAD] for half in range(130, -1, -1)]
    await show_last_minute(tab, said, [])
    assert await _slider(tab, "timeline") == ["-60", "0", "0"]
    await tab.page.focus("#timeline")
    await tab.page.keyboard.press("End")
    for _ in range(2):
        await tab.page.keyboard.press("PageUp")
    assert await _slider(tab, "timeline") == ["-60", "0", "-10"]
    await tab.page.keyboard.press("Home")
    assert await _slider(tab, "timeline") == ["-60", "0", "-60"]


async def _slider(tab: Tab, element: str) -> list[str]:
    return await tab.page.evaluate(
        """(id) => ['min', 'max', 'now'].map(
          (end) => document.getElementById(id).getAttribute(`aria-value${end}`))""",
        element,
    )


async def test_tap_reads_the_timeline(open_tab: OpenTab, happy_devices: Devices) -> None:
    """A finger's tap shows the values there, and they stay when the finger is gone."""
    tab = await open_as_live(open_tab, happy_devices)
    await tab.page.evaluate(SUM_UP, SESSION)
    canvas = tab.page.locator("#summary-timeline")
    await canvas.scroll_into_view_if_needed()
    box = await canvas.bounding_box()
    assert box
    console = await tab.page.context.new_cdp_session(tab.page)
    await console.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for at_s, words in ((5.1, "0:05 · Fused: Happy"), (0.4, "0:01 · Fused: Sad"), (8.0, "")):
        point = {"x": box["x"] + at_s / 10 * box["width"], "y": box["y"] + 80}
        touch = {"type": "touchStart", "touchPoints": [point]}
        await console.send("Input.dispatchTouchEvent", touch)
        await console.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        readout = (await tab.text("summary-readout"))[0]
        assert readout.startswith(words)
        assert bool(readout) is bool(words)


async def test_pointer_that_leaves_leaves_what_was_chosen(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """A mouse reads where it is; when it leaves, what a key or a click chose is read again."""
    tab = await open_as_live(open_tab, happy_devices)
    await tab.page.evaluate(SUM_UP, SESSION)
    canvas = tab.page.locator("#summary-timeline")
    await canvas.scroll_into_view_if_needed()
    box = await canvas.bounding_box()
    assert box
    mouse, middle = tab.page.mouse, box["y"] + 80
    await mouse.move(box["x"] + 0.5 * box["width"], middle)
    assert (await tab.text("summary-readout"))[0].startswith("0:05 · ")
    await mouse.move(0, 0)
    assert await tab.text("summary-readout") == [""]
    await canvas.focus()
    await tab.page.keyboard.press("End")
    await mouse.move(box["x"] + 0.1 * box["width"], middle)
    assert (await tab.text("summary-readout"))[0].startswith("0:01 · ")
    await mouse.move(0, 0)
    assert (await tab.text("summary-readout"))[0].startswith("0:06 · ")
    await mouse.click(box["x"] + 0.2 * box["width"], middle)
    await mouse.move(0, 0)
    assert (await tab.text("summary-readout"))[0].startswith("0:02 · ")
    await tab.page.keyboard.press("Escape")
    assert await tab.text("summary-readout") == [""]
