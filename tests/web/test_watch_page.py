"""What the watching page says and lets people do, apart from results."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.web.axe import grave_violations, sticking_out
from tests.web.browser import Tab
from tests.web.conftest import OpenTab
from tests.web.devices import Devices
from tests.web.process import ServerProcess
from tests.web.watching import open_watcher, start_and_copy

_LARGEST_FIRST_PAINT_BYTES = 60_000
_NAME = "n" * 22
_PHONE = 360
_NO_CLIPBOARD = """
Object.defineProperty(Navigator.prototype, 'clipboard', { get: () => undefined });
"""
_FORBIDDEN_CLIPBOARD = """
Clipboard.prototype.writeText = async () => { throw new DOMException('no', 'NotAllowedError'); };
"""
_FULL = {"error": "Too many watch this session; try again in 7 seconds."}


@pytest.mark.parametrize("script", [_NO_CLIPBOARD, _FORBIDDEN_CLIPBOARD])
async def test_where_the_page_may_not_copy_the_link_is_shown(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess, script: str
) -> None:
    """Without a clipboard, or where it is forbidden, the link stands there, marked to be copied."""
    tab = await open_tab(happy_devices, script=script)
    assert await tab.page.is_hidden("#share")
    await tab.start()
    await tab.results(1)
    await tab.page.click("#copy-link")
    await tab.until_text("copied", "Copy it yourself")
    marked = await tab.page.evaluate(
        """() => {
          const { value, selectionStart, selectionEnd } = document.activeElement;
          return value.slice(selectionStart, selectionEnd);
        }"""
    )
    assert marked.startswith(f"{server_process.url}/watch#session=")
    assert await grave_violations(tab) == []
    await tab.stop()
    assert await tab.page.is_hidden("#share")


@pytest.mark.parametrize("given", ["", "short", "n" * 65, "n" * 21 + "/", "%00" * 30])
async def test_a_name_that_cannot_be_is_refused(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess, given: str
) -> None:
    """A link that was not copied whole is said to be so; nobody is asked for such a session."""
    tab = await open_tab(happy_devices, url=f"{server_process.url}/watch#session={given}")
    await tab.until_state("refused")
    assert await tab.text("error") == [
        "This link names no session: it was not copied whole. Ask for it again."
    ]
    asked = "performance.getEntriesByType('resource').filter((e) => e.name.includes('/sessions'))"
    assert await tab.page.evaluate(f"{asked}.length") == 0
    await tab.page.evaluate(f"location.hash = 'session={_NAME}'")  # as who corrects the address
    tab.tolerated = ("404 (Not Found)",)
    await tab.until_state("waiting")


class _Refusal(NamedTuple):
    """What a server says, and what the page makes of it."""

    status: int
    answer: dict[str, str]
    state: str
    sentence: str


_ODD = "The server is there, but does not answer as it should"


@pytest.mark.parametrize(
    "refusal",
    [
        _Refusal(429, _FULL, "reconnecting", "Too many watch this session."),
        _Refusal(502, {}, "reconnecting", _ODD),
        _Refusal(200, {}, "reconnecting", _ODD),
        _Refusal(403, {"error": "Not from here."}, "refused", "Not from here."),
    ],
    ids=lambda refusal: str(refusal.status),
)
async def test_refusals_are_told(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess, refusal: _Refusal
) -> None:
    """A refusal that may pass is waited out, as long as the server says; another one is final."""
    tab = await open_tab(happy_devices, url=f"{server_process.url}/watch")
    tab.tolerated = (f"{refusal.status} (", "404 (Not Found)")
    await tab.page.route(
        "**/events",
        lambda route: route.fulfill(
            status=refusal.status, json=refusal.answer, headers={"Retry-After": "7"}
        ),
    )
    await tab.until_state(refusal.state)
    error, countdown = await tab.text("error", "countdown")
    assert error.startswith(refusal.sentence)
    if refusal.status == 429:
        assert countdown in {f"in {left} s" for left in range(5, 11)}
    await tab.page.unroute("**/events")


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", _PHONE)])
async def test_nobody_is_shut_out(
    open_tab: OpenTab,
    happy_devices: Devices,
    server_process: ServerProcess,
    theme: str,
    width: int,
) -> None:
    """Axe finds nothing serious, and nothing sticks out: waiting, live, ended and refused."""
    own = await open_tab(happy_devices)
    link = await start_and_copy(own)

    async def check(tab: Tab) -> None:
        await tab.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        await tab.page.set_viewport_size({"width": width, "height": 740})
        assert await grave_violations(tab) == []
        assert await sticking_out(tab) == []
        assert await tab.page.evaluate("document.documentElement.scrollWidth") <= width

    waiting = await open_watcher(open_tab, happy_devices, f"{server_process.url}/watch")
    await waiting.until_state("waiting")
    await check(waiting)
    watcher = await open_watcher(open_tab, happy_devices, link)
    await watcher.results(4)
    await check(watcher)
    await watcher.page.click("#pause")
    await watcher.page.click("#copy-link")
    await watcher.until_text("copied", "Copied.")
    await check(watcher)
    await own.stop()
    await watcher.until_state("ended")
    await check(watcher)
    refused = await open_tab(happy_devices, url=f"{server_process.url}/watch#session=short")
    await refused.until_state("refused")
    await check(refused)


async def test_it_can_be_used_by_keyboard(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess
) -> None:
    """The Tab key reaches what there is, in order: waiting, and live."""
    waiting = await open_watcher(open_tab, happy_devices, f"{server_process.url}/watch")
    await waiting.until_state("waiting")
    assert await _walk(waiting) == ["summary", "copy-whip", "copy-link"]
    own = await open_tab(happy_devices)
    watcher = await open_watcher(open_tab, happy_devices, await start_and_copy(own))
    await watcher.results(2)
    assert await _walk(watcher) == ["copy-link", "pause", "timeline"]
    await watcher.page.focus("#copy-link")
    await watcher.page.keyboard.press("Enter")
    await watcher.until_text("copied", "Copied.")


async def _walk(tab: Tab) -> list[str]:
    """Return what the Tab key reaches from the top."""
    await tab.page.evaluate("document.body.tabIndex = -1, document.body.focus()")
    reached: list[str] = []
    for _ in range(10):
        await tab.page.keyboard.press("Tab")
        name = await tab.page.evaluate(
            "document.activeElement.id || document.activeElement.localName"
        )
        if name in {"body", *reached}:
            break
        reached.append(name)
    return reached


async def test_with_reduced_motion_the_timeline_moves_with_the_results(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """Who asks for less motion gets a timeline that moves twice a second, and no animation."""
    own = await open_tab(happy_devices)
    watcher = await open_watcher(open_tab, happy_devices, await start_and_copy(own))
    await watcher.page.emulate_media(reduced_motion="reduce")
    await watcher.results(2)
    draws = await watcher.page.evaluate(
        """async () => {
          const { clearRect } = CanvasRenderingContext2D.prototype;
          let draws = 0;
          CanvasRenderingContext2D.prototype.clearRect = function (...given) {
            draws++;
            return clearRect.apply(this, given);
          };
          const before = Number(document.documentElement.dataset.results);
          await new Promise((resolve) => setTimeout(resolve, 2000));
          return [draws, Number(document.documentElement.dataset.results) - before];
        }"""
    )
    assert draws[0] == pytest.approx(draws[1], abs=1)
    assert draws[0] >= 2
    assert await watcher.page.evaluate("document.getAnimations().length") == 0


async def test_first_paint_is_light(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess
) -> None:
    """All that the watching page loads costs at most 60 KB on the wire."""
    tab = await open_watcher(open_tab, happy_devices, f"{server_process.url}/watch")
    await tab.until_state("waiting")
    sizes = await tab.page.evaluate(
        """performance.getEntriesByType('resource')
           .concat(performance.getEntriesByType('navigation'))
           .filter(({ name }) => !name.includes('/sessions/'))
           .map(({ transferSize }) => transferSize)"""
    )
    assert len(sizes) > 15
    assert all(size > 0 for size in sizes)
    print(f"{sum(sizes)} bytes in {len(sizes)} answers")
    assert sum(sizes) <= _LARGEST_FIRST_PAINT_BYTES
