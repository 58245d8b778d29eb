"""Sessions that are made up in the page itself, of which every figure is known beforehand."""

from __future__ import annotations

from typing import Any

from tests.web.browser import Tab
from tests.web.conftest import OpenTab
from tests.web.devices import Devices

HAPPY, SAD, WEAK = ("happy", 0.8), ("sad", 0.6), ("fear", 0.34)

# Makes a History of [milliseconds since its start, what the voice says, what the face says], each
# of these a label with its share, or null. Fused is what the face says.
MAKE_UP = """
window.madeUp = async (startedAt_ms, results) => {
  const { EMOTIONS } = await import('/static/emotions.js');
  const { History } = await import('/static/history.js');
  const modality = (said) => {
    if (!said) return null;
    const [label, share] = said;
    const rest = EMOTIONS.map((emotion) => [emotion, (1 - share) / 6]);
    const box = { x: 0.1, y: 0.2, width: 0.3, height: 0.4 };
    return { label, probabilities: { ...Object.fromEntries(rest), [label]: share }, box };
  };
  const history = new History();
  history.startedAt_ms = startedAt_ms;
  for (const [after_ms, voice, face] of results) {
    const said = { voice: modality(voice), face: modality(face), fused: modality(face) };
    history.add(startedAt_ms + after_ms, { ...said, audio_level: 0 });
  }
  return history;
};
window.drawnLabels = (canvas, places) => {
  const style = getComputedStyle(document.documentElement);
  const context = canvas.getContext('2d');
  const paint = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const painted = (colour) => {
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    return paint.getImageData(0, 0, 1, 1).data.join();
  };
  const names = {};
  for (const label of ['happy', 'sad', 'uncertain', 'well']) {
    names[painted(style.getPropertyValue(`--${label}`))] = label;
  }
  return places.map(([across, y]) => {
    const x = Math.min(canvas.width - 1, Math.floor(across * canvas.width));
    return names[context.getImageData(x, y, 1, 1).data.join()] ?? 'another';
  });
};
"""

# Ten seconds: 1 s happy, 0.5 s too weak, 0.5 s and the last 1.5 s of a gap of 3 s sad; then a
# result without a voice, and 4.5 s in which nothing comes before Stop.
SESSION = [
    [500, HAPPY, SAD],
    [1000, HAPPY, SAD],
    [1500, WEAK, SAD],
    [2000, SAD, None],
    [5000, SAD, HAPPY],
    [5500, None, HAPPY],
]
SUM_UP = """
async (results) => {
  const { Summary } = await import('/static/summary.js');
  const { showState } = await import('/static/view.js');
  showState('idle', 'Stopped');
  const history = await madeUp(1000, results);
  history.end(1000 + 10_000);
  new Summary().show(history, { models: null, settings: null });
}
"""


async def open_as_live(open_tab: OpenTab, devices: Devices) -> Tab:
    """Open the page so that its timeline is to be seen, as if a session went on."""
    tab = await open_tab(devices, script=MAKE_UP)
    await tab.page.evaluate(
        "async () => (await import('/static/view.js')).showState('live', 'Live')"
    )
    return tab


async def show_last_minute(
    tab: Tab, results: list[Any], places: list[tuple[float, int]]
) -> list[str]:
    """Return the labels whose colours the timeline shows; results in s before the right edge.

    Args:
        tab: with the page.
        results: as in ``MAKE_UP``, but with seconds before what the right edge shows.
        places: shares of the width from the left, and pixels from the top.
    """
    return await tab.page.evaluate(
        """async ([results, places]) => {
          const { Timeline } = await import('/static/timeline.js');
          const canvas = document.getElementById('timeline');
          const timeline = new Timeline(canvas, document.getElementById('readout'));
          await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
          const edge_ms = 1e6;
          const after = results.map(([before_s, ...said]) => [300_000 - 1000 * before_s, ...said]);
          timeline.showLastMinute(await madeUp(edge_ms - 300_000, after), edge_ms + 700);
          return drawnLabels(canvas, places);
        }""",
        [results, places],
    )
