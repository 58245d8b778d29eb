"""Start and Stop under a held key, before the script has run, and without one."""

from __future__ import annotations

from tests.web.conftest import OpenTab
from tests.web.devices import Devices


async def test_held_enter_presses_one_button(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Enter held on Start, where it gives the focus to Stop, does not stop; nor start again."""
    tab = await open_tab(happy_devices)
    for button, state in (("#start", "live"), ("#stop", "idle")):
        await tab.page.focus(button)
        for _ in range(4):  # Were each taken, the last would undo the first.
            await tab.page.keyboard.down("Enter")
        await tab.page.keyboard.up("Enter")
        await tab.until_state(state)
    assert tab.offers == 1


async def test_start_waits_for_the_script(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Until the page's script has run Start cannot be pressed, and it says that it is loading."""
    tab = await open_tab(happy_devices)
    assert await tab.page.is_enabled("#start")
    assert await tab.text("status") == ["Idle"]
    await tab.page.route("**/main.js", lambda route: route.fulfill(content_type="text/javascript"))
    await tab.page.reload()
    assert not await tab.page.is_enabled("#start")
    assert await tab.text("status") == ["Loading\N{HORIZONTAL ELLIPSIS}"]


async def test_without_script_the_page_says_so(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Where scripts are forbidden the page says that it needs them, and does not seem to load."""
    tab = await open_tab(happy_devices)
    browser = tab.page.context.browser
    assert browser
    page = await browser.new_page(java_script_enabled=False)
    await page.goto(tab.url)
    # The browser takes this text for elements now, but draws it only where scripts were off before.
    words = await page.locator("noscript").text_content()
    assert words
    assert words.startswith("This page needs JavaScript")
    assert not await page.is_visible("#status")
    assert not await page.is_enabled("#start")
    await page.close()
