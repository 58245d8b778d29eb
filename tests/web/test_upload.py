"""A page that sends a recording, as other sites' pages may, too, where they are allowed."""

from __future__ import annotations

import json
from pathlib import Path

from tests.web.conftest import OpenTab, StartProcess
from tests.web.devices import Devices

_ADD_CHOICE = """
() => document.body.append(
    Object.assign(document.createElement("input"), { type: "file", id: "recording" }))
"""
_SEND = """
async () => {
    const [file] = document.getElementById("recording").files;
    const response = await fetch("/analyze", { method: "POST", body: file });
    return [response.status, await response.text()];
}
"""


async def test_a_browser_sends_a_file_by_fetch(
    open_tab: OpenTab, start_process: StartProcess, happy_devices: Devices, talking: Path
) -> None:
    """A file that somebody chose is the body as it is, and the answer ends with a summary."""
    tab = await open_tab(happy_devices, url=start_process("--allow-upload").url)
    await tab.page.evaluate(_ADD_CHOICE)
    await tab.page.set_input_files("#recording", talking)
    status, text = await tab.page.evaluate(_SEND)
    assert status == 200
    assert json.loads(text.splitlines()[-1])["type"] == "summary"
