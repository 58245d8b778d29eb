"""How the page reads text/event-stream, wherever the network cuts it."""

from __future__ import annotations

import base64

from tests.web.conftest import OpenTab
from tests.web.devices import Devices

# Reads the same bytes in each of several cuts, each a list of pieces in base64.
_READ = """
async (cuts) => {
  const { EventParser } = await import('/static/events.js');
  const bytes = (piece) => Uint8Array.from(atob(piece), (letter) => letter.charCodeAt(0));
  return cuts.map((pieces) => {
    const parser = new EventParser();
    return pieces.flatMap((piece) => parser.push(bytes(piece)));
  });
}
"""
# Reads a stream that says one thing and then is silent, on a clock that the test moves.
_READ_SILENCE = """
async () => {
  const { readEvents } = await import('/static/events.js');
  window.heard = [];
  const stream = new ReadableStream({ start: (source) => (window.source = source) });
  source.enqueue(new TextEncoder().encode('data: one\\n\\n'));
  readEvents(stream, ({ data }) => heard.push(data)).catch(({ message, isPassing }) => {
    window.end = [message, isPassing];
  });
}
"""


def _event(data: str, id: str = "", type: str = "message") -> dict[str, str]:  # noqa: A002  its own words
    return {"type": type, "data": data, "id": id}


_STREAMS = {
    "data: one\n\n": [_event("one")],
    "data:one\n\ndata:  two\n\n": [_event("one"), _event(" two")],
    "data: one\r\n\r\ndata: two\r\n\r\n": [_event("one"), _event("two")],
    "data: one\r\rdata: two\r\r": [_event("one"), _event("two")],
    "data: one\ndata: two\n\n": [_event("one\ntwo")],
    "data: one\r\ndata: two\r\n\r\n": [_event("one\ntwo")],
    "data\n\ndata\ndata\n\n": [_event(""), _event("\n")],
    "id: 7\ndata: one\n\ndata: two\n\n": [_event("one", "7"), _event("two", "7")],
    "id: 7\ndata: a\n\nid\ndata: b\n\n": [_event("a", "7"), _event("b")],
    "id: 7\ndata: a\n\nid: 8\0\ndata: b\n\n": [_event("a", "7"), _event("b", "7")],
    "id: 7\n\ndata: one\n\n": [_event("one", "7")],
    "event: x\ndata: a\n\ndata: b\n\n": [_event("a", type="x"), _event("b")],
    "event: x\n\ndata: b\n\n": [_event("b")],
    ": keep-alive\n\n:\n\ndata: one\n: in between\n\n": [_event("one")],
    "retry: 10\ncolour: red\ndata: a: b\n\n": [_event("a: b")],
    "\ufeffdata: one\n\ndata: \ufeff\n\n": [_event("one"), _event("\ufeff")],
    "data: \u00e4\u20ac\U0001f600\n\n": [_event("\u00e4\u20ac\U0001f600")],
    "data: a\u2028b\n\n": [_event("a\u2028b")],
    "data: one\n\ndata: broken off\n": [_event("one")],
    "data: one\n": [],
}


async def test_events_are_read_wherever_they_are_cut(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """The same events come of the whole, of any two parts, and of single bytes."""
    tab = await open_tab(happy_devices)
    for text, events in _STREAMS.items():
        whole = text.encode()
        cuts = [[whole], [bytes([byte]) for byte in whole]]
        cuts += [[whole[:place], b"", whole[place:]] for place in range(1, len(whole))]
        found = await tab.page.evaluate(_READ, [[_base64(piece) for piece in cut] for cut in cuts])
        for cut, each in zip(cuts, found, strict=True):
            assert each == events, cut


def _base64(piece: bytes) -> str:
    return base64.b64encode(piece).decode()


async def test_a_silent_stream_is_given_up_after_40_s(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """Each byte, of a comment too, gives it 40 s more; then it is taken for lost."""
    tab = await open_tab(happy_devices)
    await tab.page.clock.install()
    await tab.page.evaluate(_READ_SILENCE)
    await tab.page.clock.run_for(39_000)
    await tab.page.evaluate("source.enqueue(new TextEncoder().encode(': keep-alive\\n'))")
    await tab.page.clock.run_for(39_000)
    assert await tab.page.evaluate("[window.heard, window.end]") == [["one"], None]
    await tab.page.clock.run_for(2000)
    sentence, is_passing = await tab.page.evaluate("window.end")
    assert sentence == "Nothing came from the server for 40 seconds."
    assert is_passing
