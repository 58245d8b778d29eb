"""The page in headless Chromium, and what came of it."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rtc.messages import EmotionMessage

if TYPE_CHECKING:
    from playwright.async_api import ConsoleMessage, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
)
ALLOW_DEVICES = "--use-fake-ui-for-media-stream"

# Sees from outside what the page gets, and what it leaves open.
_WATCH = """
window.watched = { arrivals: [], tracks: [], iceServers: [], offers: [] };
const { createDataChannel, addTransceiver, setLocalDescription } = RTCPeerConnection.prototype;
const { replaceTrack } = RTCRtpSender.prototype;
RTCPeerConnection.prototype.createDataChannel = function (...given) {
  watched.iceServers.push(...this.getConfiguration().iceServers);
  const channel = createDataChannel.apply(this, given);
  channel.addEventListener('message', ({ data }) => {
    const { type } = JSON.parse(data);
    if (type === 'emotion') watched.arrivals.push([performance.now(), data]);
  });
  return channel;
};
RTCPeerConnection.prototype.addTransceiver = function (track, ...given) {
  if (track instanceof MediaStreamTrack) watched.tracks.push(track);
  return addTransceiver.call(this, track, ...given);
};
RTCPeerConnection.prototype.setLocalDescription = function (...given) {
  watched.offers.push(performance.now());
  return setLocalDescription.apply(this, given);
};
RTCRtpSender.prototype.replaceTrack = function (track) {
  if (track) watched.tracks.push(track);
  return replaceTrack.call(this, track);
};
"""


def find_browser() -> str | None:
    """Return the path of a Chromium or Chrome, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass(frozen=True)
class Arrival:
    """A message, and when it came to the page, in the page's milliseconds."""

    at_ms: float
    message: EmotionMessage


@dataclass
class Tab:
    """The open page.

    Attributes:
        is_gone: it was closed, or has crashed.
        offers: how often the page asked for a session.
        faults: what no good page does: errors, and requests to anybody but its server.
        tolerated: parts of messages that are the browser's own notes on what the test did.
    """

    page: Page
    url: str
    is_gone: bool = False
    offers: int = 0
    faults: list[str] = field(default_factory=list)
    tolerated: tuple[str, ...] = ()

    async def open(self, script: str = "", *, watch: bool = True) -> None:
        """Load the page, with a script of the test's own run before the page's.

        Args:
            script: of the test.
            watch: keep all messages for ``arrivals``, which takes ever more memory.
        """
        self.page.on("request", lambda request: self._on_request(request.url))
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        for end in ("close", "crash"):
            self.page.on(end, lambda _: setattr(self, "is_gone", True))
        if watch:
            await self.page.add_init_script(_WATCH)
        if script:
            await self.page.add_init_script(script)
        await self.page.goto(self.url)

    async def start(self) -> None:
        await self.page.click("#start")

    async def stop(self) -> str:
        """Press Stop; return the state that the page is in as soon as its handler returns."""
        return await self.page.evaluate(
            "document.getElementById('stop').click(), document.documentElement.dataset.state"
        )

    async def unplug(self, *kinds: str) -> None:
        """Take devices away, as browsers tell a page of it; kinds are "audio" and "video"."""
        await self.page.evaluate(
            """(kinds) => watched.tracks
              .filter(({ kind }) => kinds.includes(kind))
              .forEach((track) => {
                track.stop();
                track.dispatchEvent(new Event('ended')); // which stop alone does not fire
              })""",
            list(kinds),
        )

    async def state(self) -> str:
        return await self.page.evaluate("document.documentElement.dataset.state")

    async def until_state(self, state: str, within_s: float = 15.0) -> None:
        await self.page.wait_for_selector(f"html[data-state={state}]", timeout=within_s * 1000)

    async def until(self, holds: str, within_s: float = 15.0) -> None:
        """Wait until an expression holds in the page, whose policy forbids it to wait by itself.

        Raises:
            TimeoutError: it did not come to hold in time.
        """
        async with asyncio.timeout(within_s):
            while not await self.page.evaluate(  # noqa: ASYNC110  the page is another process
                f"Boolean({holds})"
            ):
                await asyncio.sleep(0.05)

    async def until_text(self, element: str, part: str, within_s: float = 15.0) -> None:
        """Wait until an element's text contains ``part``."""
        words = f"document.getElementById({json.dumps(element)}).textContent"
        await self.until(f"{words}.includes({json.dumps(part)})", within_s)

    async def text(self, *ids: str) -> list[str]:
        """Return what is written in each of these elements, all at one moment."""
        return await self.page.evaluate(
            "ids => ids.map(id => document.getElementById(id).textContent)", ids
        )

    async def arrivals(self) -> list[Arrival]:
        """Return all that has come over the data channel since the page was loaded."""
        return [
            Arrival(at_ms, EmotionMessage.from_json(text))
            for at_ms, text in await self.page.evaluate("watched.arrivals")
        ]

    async def results(self, count: int, within_s: float = 30.0) -> list[EmotionMessage]:
        """Wait until this page has got ``count`` messages more; return them."""
        before = await self.page.evaluate("watched.arrivals.length")
        await self.until(f"watched.arrivals.length >= {before + count}", within_s)
        return [arrival.message for arrival in (await self.arrivals())[before:]]

    async def shown(self) -> tuple[EmotionMessage, dict[str, Any]]:
        """Return the newest message, and what the screen says at the same moment."""
        text, screen = await self.page.evaluate(
            """() => {
              const parsed = watched.arrivals.map(([, text]) => [JSON.parse(text).sequence, text]);
              const text = parsed.reduce((a, b) => (b[0] > a[0] ? b : a))[1];
              const words = (id) => document.getElementById(id).textContent;
              const lines = [...document.querySelectorAll('#top5 li')];
              return [text, {
                voice: [words('voice-label'), words('voice-probability')],
                face: [words('face-label'), words('face-probability')],
                fused: [words('fused-label'), words('fused-probability')],
                top5: lines.map((line) => [...line.children].map((part) => part.textContent)),
                box: !document.getElementById('face-box').hidden,
                results: document.documentElement.dataset.results,
              }];
            }"""
        )
        return EmotionMessage.from_json(text), screen

    def check_blameless(self) -> None:
        """Fail when the page spoke to another origin, or an error was reported."""
        assert not [
            fault for fault in self.faults if not any(part in fault for part in self.tolerated)
        ]

    def _on_request(self, url: str) -> None:
        asked, own = urlsplit(url), urlsplit(self.url)
        if (asked.scheme, asked.netloc) != (own.scheme, own.netloc):
            self.faults.append(f"request to another origin: {url}")
        self.offers += asked.path == "/offer"

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"console error: {message.text}")
