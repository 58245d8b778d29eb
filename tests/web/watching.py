"""Tabs that watch a session: what came to them, and what their buttons copy."""

from __future__ import annotations

from tests.web.browser import Tab
from tests.web.conftest import OpenTab
from tests.web.devices import Devices

# What the page reads is what it was told: each message once, in the place of the data channel's.
_HEAR = """
const { parse } = JSON;
const heard = new Set();
JSON.parse = (text, ...rest) => {
  const message = parse(text, ...rest);
  if (message?.type === 'emotion' && !heard.has(text)) {
    heard.add(text);
    watched.arrivals.push([performance.now(), text]);
  }
  return message;
};
"""

MAY_RETURN = "If it begins again under this link, it is shown here."
NOT_THERE = ("404 (Not Found)", "410 (Gone)")  # the browser's notes while nobody sends


async def open_watcher(open_tab: OpenTab, devices: Devices, link: str, script: str = "") -> Tab:
    """Open a link so that ``arrivals`` has what the watching page reads."""
    tab = await open_tab(devices, url=link, script=_HEAR + script)
    tab.tolerated = NOT_THERE
    return tab


async def start_and_copy(tab: Tab) -> str:
    """Start a session; once it runs, copy the link to watch it."""
    await tab.start()
    await tab.results(2)
    await tab.page.click("#copy-link")
    await tab.until_text("copied", "Copied.")
    return await pasted(tab)


async def pasted(tab: Tab) -> str:
    """Return what somebody finds who pastes now."""
    await tab.page.evaluate(
        """() => {
          const field = Object.assign(document.createElement('textarea'), { id: 'pasted' });
          document.body.append(field);
          field.focus();
        }"""
    )
    await tab.page.keyboard.press("Control+V")
    text = await tab.page.input_value("#pasted")
    await tab.page.evaluate("document.getElementById('pasted').remove()")
    return text
