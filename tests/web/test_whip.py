"""A browser publishes by fetch alone, as WHIP has it, and reads what comes of it as events."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.web.browser import Tab
from tests.web.conftest import OpenTab, StartProcess
from tests.web.devices import Devices
from tests.web.process import ServerProcess, seconds_until
from tests.web.whip import WHIP, Published, end, publish

_GONE = "410 (Gone)"  # the browser's note on a session that has ended


async def test_a_browser_publishes_before_it_knows_its_addresses(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess
) -> None:
    """An offer without a candidate is answered; these follow one by one; voice and face come."""
    tab = await open_tab(happy_devices, script=WHIP)
    published = await publish(tab)
    assert (published.status, published.type) == (201, "application/sdp")
    assert re.fullmatch(r"/whip/[\w-]{22,}", published.location or "")
    assert re.fullmatch(r'"[^"]+"', published.etag or "")
    assert published.offered == 0
    assert len(published.trickled) >= 2
    assert set(published.trickled) == {204}
    await _see(tab, published, "both")
    assert await server_process.sessions() == 1
    await end(tab)


async def test_candidates_that_follow_are_used(open_tab: OpenTab, happy_devices: Devices) -> None:
    """A page that has no address of the server is reached at those which it said later."""
    tab = await open_tab(happy_devices, script=WHIP)
    published = await publish(tab, server_hidden=True)
    assert set(published.trickled) == {204}
    await _see(tab, published, "both")
    await end(tab)


async def test_delete_ends_the_session(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess
) -> None:
    """After DELETE nobody is served any more, and who looks for the session is told so."""
    tab = await open_tab(happy_devices, script=WHIP)
    tab.tolerated = (_GONE,)
    published = await publish(tab)
    await _see(tab, published, "both")
    assert await end(tab) == 200
    await seconds_until(lambda: server_process.is_serving(0), within_s=2)
    assert await tab.page.evaluate("end()") == 410
    status = "async (path) => (await fetch(path)).status"
    assert await tab.page.evaluate(status, published.events) == 410


@pytest.mark.parametrize(
    ("kinds", "evidence"),
    [(("audio", "video"), "both"), (("audio",), "voice"), (("video",), "face")],
    ids=str,
)
async def test_a_complete_offer_of_any_kind_is_served(
    open_tab: OpenTab, happy_devices: Devices, kinds: tuple[str, ...], evidence: str
) -> None:
    """With its candidates in the offer a browser needs one request; sound or pictures suffice."""
    tab = await open_tab(happy_devices, script=WHIP)
    published = await publish(tab, *kinds, trickled=False)
    assert published.offered >= 1
    assert published.trickled == []
    await _see(tab, published, evidence)
    await end(tab)


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_either_codec_of_pictures_is_served(
    open_tab: OpenTab, happy_devices: Devices, codec: str
) -> None:
    """A browser that offers pictures in one codec alone is answered in that, and its face seen."""
    tab = await open_tab(happy_devices, script=WHIP)
    codecs = "RTCRtpSender.getCapabilities('video').codecs.map(({ mimeType }) => mimeType)"
    if f"video/{codec}" not in await tab.page.evaluate(codecs):
        pytest.skip(f"this browser does not send {codec}")
    published = await publish(tab, "video", mime_type=f"video/{codec}", trickled=False)
    answered = set(re.findall(r"a=rtpmap:\d+ (\w+)/90000", published.answer))
    assert answered - {"rtx"} == {codec}
    await _see(tab, published, "face")
    await end(tab)


@pytest.fixture
async def other_site() -> AsyncIterator[str]:
    """Another origin, with an empty page."""

    async def page(request: web.Request) -> web.Response:  # noqa: ARG001  aiohttp's signature
        return web.Response(text="<!doctype html>", content_type="text/html")

    app = web.Application()
    for path in ("/", "/favicon.ico"):
        app.router.add_get(path, page)
    async with TestServer(app) as site:
        yield str(site.make_url("/")).rstrip("/")


async def test_a_page_of_an_allowed_site_can_do_the_same(
    open_tab: OpenTab, happy_devices: Devices, start_process: StartProcess, other_site: str
) -> None:
    """With --allow-origin a page from elsewhere publishes, trickles, watches and ends it."""
    token = "correct-horse-battery"
    server = start_process("--allow-origin", other_site, "--token", token)
    tab = await open_tab(happy_devices, url=other_site, script=WHIP)
    tab.tolerated = (f"request to another origin: {server.url}",)
    published = await publish(tab, server=server.url, token=token)
    assert published.status == 201
    assert published.location
    assert published.etag
    assert set(published.trickled) == {204}
    headers = {"Authorization": f"Bearer {token}"}
    await _see(tab, published, "both", server=server.url, headers=headers)
    assert await end(tab) == 200


async def _see(
    tab: Tab, published: Published, evidence: str, *, server: str = "", **request: Any
) -> None:
    """Read results until two in a row rest on what is sent."""
    url = f"{server}{published.events}"
    found: list[str] = []
    for _ in range(8):
        messages = await tab.page.evaluate(
            "([url, request]) => eventsOf(url, 3, request)", [url, request]
        )
        found += [m["evidence"] for m in messages if m["type"] == "emotion"]
        if found[-2:] == [evidence] * 2:
            return
    pytest.fail(f"no results of {evidence}: {found}")
