"""The page for everybody: assistive devices, both themes, small screens, slow lines."""

from __future__ import annotations

import asyncio

import pytest

from tests.web.axe import grave_violations, sticking_out
from tests.web.browser import Tab
from tests.web.conftest import OpenTab
from tests.web.devices import Devices

_LARGEST_FIRST_PAINT_BYTES = 60_000
_PHONE = 360


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_nobody_is_shut_out(open_tab: OpenTab, happy_devices: Devices, theme: str) -> None:
    """Axe finds nothing serious in either theme: idle, live with settings, and summed up."""
    tab = await open_tab(happy_devices)
    await tab.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    assert await grave_violations(tab) == []
    await tab.start()
    await tab.results(4)
    await tab.page.click("details.settings summary")
    await tab.page.click("#pause")  # so that a pressed button is among what is looked at
    assert await grave_violations(tab) == []
    await tab.stop()
    assert await tab.page.is_visible("#summary")
    assert await grave_violations(tab) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_nobody_is_shut_out_when_something_is_wrong(
    open_tab: OpenTab, happy_devices: Devices, theme: str
) -> None:
    """Axe finds nothing serious in a refusal and in a notice beside a session, on a phone too."""
    refused = await open_tab(happy_devices, flags=("--deny-permission-prompts",))
    noticed = await open_tab(happy_devices)
    for tab in (refused, noticed):
        await tab.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        await tab.start()
    await refused.until_state("idle")
    await noticed.results(2)
    await noticed.unplug("video")
    for tab, kind in ((refused, "error"), (noticed, "notice")):
        assert await tab.page.is_visible(f"#error[data-kind={kind}]")
        for width in (1280, _PHONE):
            await tab.page.set_viewport_size({"width": width, "height": 740})
            assert await grave_violations(tab) == []


async def test_nobody_is_shut_out_on_a_phone(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Axe finds nothing serious at 360 pixels either: idle, live with settings, and summed up."""
    tab = await open_tab(happy_devices)
    await tab.page.set_viewport_size({"width": _PHONE, "height": 740})
    assert await grave_violations(tab) == []
    await tab.start()
    await tab.results(4)
    await tab.page.click("details.settings summary")
    assert await grave_violations(tab) == []
    await tab.stop()
    assert await grave_violations(tab) == []


@pytest.mark.parametrize("width", [_PHONE, 768, 1280, 2560])
async def test_nothing_sticks_out(open_tab: OpenTab, happy_devices: Devices, width: int) -> None:
    """On a phone as on a large screen nothing has to be scrolled sideways, or is cut off."""
    tab = await open_tab(happy_devices)
    await tab.page.set_viewport_size({"width": width, "height": 740})
    await tab.start()
    await tab.results(3)
    await tab.page.evaluate("document.querySelector('details.settings').open = true")
    for _ in ("live", "summed up"):
        assert await sticking_out(tab) == []
        assert await tab.page.evaluate("document.documentElement.scrollWidth") <= width
        await tab.stop()


async def test_start_is_reached_without_scrolling(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """On a small laptop and on a phone Start is on the screen at once, even below an error."""
    tab = await open_tab(happy_devices, flags=("--deny-permission-prompts",))
    for width, height in ((1280, 720), (_PHONE, 740)):
        await tab.page.set_viewport_size({"width": width, "height": height})
        await tab.start()
        await tab.page.wait_for_selector("#error:not([hidden])")
        bottom = await tab.page.evaluate(
            "document.getElementById('start').getBoundingClientRect().bottom"
        )
        assert bottom <= height


async def test_focus_is_seen_on_everything_that_takes_it(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """The Tab key reaches every control, live and after, in order, and shows where it is."""
    tab = await open_tab(happy_devices)
    await tab.start()
    await tab.results(3)
    await tab.page.click("details.settings summary")
    lists = [  # One with a single device is no choice, and out of the way.
        name for name in ("microphone", "camera-choice") if await tab.page.is_enabled(f"#{name}")
    ]
    assert "microphone" in lists
    sliders = ["w-voice", "voice-smooth", "face-smooth"]
    devices = [*lists[:1], "mute", *lists[1:], "camera-off"]
    live = ["stop", "copy-link", *devices, "pause", "timeline", "summary"]
    assert await _walk(tab) == [*live, *sliders]
    await tab.stop()
    reached = await _walk(tab)
    after = ["start", *devices, "summary-timeline"]
    saving = ["save-csv", "save-json", "save-png"]
    assert reached == [*after, *saving, "summary", *sliders]


async def _walk(tab: Tab) -> list[str]:
    """Return what the Tab key reaches from the top; each must show that it has the focus."""
    await tab.page.evaluate("document.body.tabIndex = -1, document.body.focus()")
    reached: list[str] = []
    for _ in range(20):
        await tab.page.keyboard.press("Tab")
        await asyncio.sleep(0)
        name, outline, colour = await tab.page.evaluate(
            """() => {
              const { activeElement: reached } = document;
              const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(reached);
              const outline = `${outlineWidth} ${outlineStyle}`;
              return [reached.id || reached.localName, outline, outlineColor];
            }"""
        )
        if name in {"body", *reached}:
            break
        assert outline == "3px solid", name
        assert colour != "rgba(0, 0, 0, 0)", name
        reached.append(name)
    return reached


async def test_first_paint_is_light(open_tab: OpenTab, happy_devices: Devices) -> None:
    """All that the page loads until it can be used costs at most 60 KB on the wire."""
    tab = await open_tab(happy_devices)
    await tab.until_text("models", "Networks: ")
    sizes = await tab.page.evaluate(
        """performance.getEntriesByType('resource')
           .concat(performance.getEntriesByType('navigation'))
           .map(({ name, transferSize }) => [new URL(name).pathname, transferSize])"""
    )
    print(sorted(map(tuple, sizes), key=lambda entry: -entry[1]))
    assert len(sizes) > 15
    assert all(size > 0 for _, size in sizes)
    total = sum(size for _, size in sizes)
    print(f"{total} bytes in {len(sizes)} answers")
    assert total <= _LARGEST_FIRST_PAINT_BYTES
