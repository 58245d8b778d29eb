"""What summary and files make of a session that is made up, to the share."""

from __future__ import annotations

import csv
import io
import json

import pytest

from models.emotions import EMOTIONS
from tests.web.conftest import OpenTab
from tests.web.devices import Devices
from tests.web.made_up import SESSION, SUM_UP, open_as_live


async def test_summary_is_exact(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Duration until Stop, and each label's share of it, are those of the session."""
    tab = await open_as_live(open_tab, happy_devices)
    await tab.page.evaluate(SUM_UP, SESSION)
    assert (await tab.text("summary-facts"))[0].endswith(": 10 s, 6 results.")
    rows = await tab.page.evaluate(
        """[...document.querySelectorAll('#shares tr')].map(
          (row) => [...row.children].map((cell) => cell.textContent))"""
    )
    shares = {name: cells for name, *cells in rows}
    assert [name.lower() for name in shares] == [*EMOTIONS, "uncertain", "no evidence"]
    assert shares["Happy"] == ["5 %", "20 %", "20 %"]
    assert shares["Sad"] == ["20 %", "10 %", "10 %"]
    assert shares["Uncertain"] == ["5 %", "0 %", "0 %"]
    assert shares["No evidence"] == ["70 %"] * 3
    assert shares["Angry"] == ["0 %"] * 3


async def test_files_call_weak_results_uncertain(open_tab: OpenTab, happy_devices: Devices) -> None:
    """CSV and JSON keep the shares of what is too weak to name, and give it no label either."""
    tab = await open_as_live(open_tab, happy_devices)
    table, text = await tab.page.evaluate(
        """async (results) => {
          const { csvOf, jsonOf } = await import('/static/exports.js');
          const history = await madeUp(1000, results);
          history.end(11_000);
          return [csvOf(history), jsonOf(history, { models: null, settings: null })];
        }""",
        SESSION,
    )
    rows = list(csv.DictReader(io.StringIO(table)))
    labels = [row["voice_label"] for row in rows]
    assert labels == ["happy", "happy", "uncertain", "sad", "sad", ""]
    assert rows[2]["voice_fear"] == "0.34"
    assert [row["time_s"] for row in rows] == ["0.5", "1", "1.5", "2", "5", "5.5"]
    document = json.loads(text)
    assert [result["voice"] and result["voice"]["label"] for result in document["results"]] == [
        label or None for label in labels
    ]
    assert document["duration_s"] == 10


@pytest.mark.parametrize(("share", "label"), [(0.3499, "uncertain"), (0.35, "sad")])
async def test_all_parts_draw_one_line(
    open_tab: OpenTab, happy_devices: Devices, share: float, label: str
) -> None:
    """Card and history are sure of the same results, although the history rounds their shares."""
    tab = await open_as_live(open_tab, happy_devices)
    shown = await tab.page.evaluate(
        """async (results) => {
          const { calledBy } = await import('/static/emotions.js');
          const [[, [label, share]]] = results;
          return [calledBy(label, share), (await madeUp(0, results)).label(0, 'voice')];
        }""",
        [[500, ("sad", share), None]],
    )
    assert shown == [label, label]
