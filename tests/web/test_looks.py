"""The page for everybody: assistive devices, both themes, small screens, slow lines."""

from __future__ import annotations

import asyncio

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.web.browser import Tab
from tests.web.conftest import OpenTab
from tests.web.devices import Devices

_LARGEST_FIRST_PAINT_BYTES = 60_000


async def _grave_violations(tab: Tab) -> list[str]:
    """Return what axe finds to be serious or critical, and where."""
    # A button half way from grey to green has the contrast of neither.
    await tab.page.evaluate(
        """Promise.all(document.getAnimations()
           .filter((each) => Number.isFinite(each.effect.getComputedTiming().endTime))
           .map((each) => each.finished.catch(() => {})))"""
    )
    found = await Axe().run(tab.page)
    return [
        f"{rule['id']}: {node['html']}"
        for rule in found.response["violations"]
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_nobody_is_shut_out(open_tab: OpenTab, happy_devices: Devices, theme: str) -> None:
    """Axe finds nothing serious in either theme: idle, live with settings, and summed up."""
    tab = await open_tab(happy_devices)
    await tab.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    assert await _grave_violations(tab) == []
    await tab.start()
    await tab.results(4)
    await tab.page.click("details.settings summary")
    await tab.page.click("#pause")  # so that a pressed button is among what is looked at
    assert await _grave_violations(tab) == []
    await tab.stop()
    assert await tab.page.is_visible("#summary")
    assert await _grave_violations(tab) == []


@pytest.mark.parametrize("width", [360, 768, 1280, 2560])
async def test_nothing_sticks_out(open_tab: OpenTab, happy_devices: Devices, width: int) -> None:
    """On a phone as on a large screen nothing has to be scrolled sideways, or is cut off."""
    tab = await open_tab(happy_devices)
    await tab.page.set_viewport_size({"width": width, "height": 740})
    await tab.start()
    await tab.results(3)
    await tab.page.evaluate("document.querySelector('details.settings').open = true")
    for _ in ("live", "summed up"):
        sticking_out = await tab.page.evaluate(
            """() => [...document.querySelectorAll('body *')].filter((each) => {
              const { right, left, width } = each.getBoundingClientRect();
              const isDrawnOutside = each.closest('.stage, .bar');
              return width && !isDrawnOutside && (right > innerWidth + 0.5 || left < -0.5);
            }).map((each) => each.outerHTML.slice(0, 80))"""
        )
        assert sticking_out == []
        assert await tab.page.evaluate("document.documentElement.scrollWidth") <= width
        await tab.stop()


async def test_start_is_reached_without_scrolling(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """On a small laptop and on a phone Start is on the screen at once, even below an error."""
    tab = await open_tab(happy_devices, flags=("--deny-permission-prompts",))
    for width, height in ((1280, 720), (360, 740)):
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
    """The Tab key reaches every control, in the order of the page, and shows where it is."""
    tab = await open_tab(happy_devices)
    await tab.start()
    await tab.results(3)
    await tab.stop()
    await tab.page.evaluate("document.body.tabIndex = -1, document.body.focus()")
    reached: list[str] = []
    for _ in range(20):
        await tab.page.keyboard.press("Tab")
        await asyncio.sleep(0)
        name, outline = await tab.page.evaluate(
            """() => {
              const { activeElement: reached } = document;
              return [reached.id || reached.localName, getComputedStyle(reached).outlineWidth];
            }"""
        )
        if name in {"body", *reached}:
            break
        assert outline == "3px", name
        reached.append(name)
    controls = ["start", "mute", "camera-off", "summary-timeline", "summary"]
    assert [name for name in reached if name in controls] == controls
    assert {"save-csv", "save-json", "save-png"} <= set(reached)


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
