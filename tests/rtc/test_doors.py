"""Who may come in, asked of a running server."""

from __future__ import annotations

import aiohttp
import pytest

from rtc.client import RefusedError
from rtc.config import ServerConfig
from rtc.doors import Doors
from tests.conftest import LiveServer, StartServer
from tests.media import Clip, SoundTrack
from tests.peers import Peer

_TOKEN = "correct-horse-battery"
_ELSEWHERE = "https://example.org"


@pytest.fixture
async def guarded(start_server: StartServer) -> LiveServer:
    """A server that asks for a token and allows the pages of one other site."""
    return await start_server(ServerConfig(doors=Doors(_TOKEN, (_ELSEWHERE,))))


async def _asked(
    url: str, method: str = "POST", path: str = "/offer", **headers: str
) -> tuple[int, dict[str, str]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, f"{url}{path}", headers=named) as response,
    ):
        return response.status, dict(response.headers)


async def test_who_has_the_token_is_served(guarded: LiveServer, happy_clip: Clip) -> None:
    """With the right token results come; with another or none, 401 that says what to do."""
    async with Peer(guarded.url, SoundTrack(happy_clip.sound), token=_TOKEN) as peer:
        assert await peer.results(1)
    for wrong, why in (
        (None, "This server asks for a token"),
        ("correct-horse-batterz", "The token is not this server's"),
    ):
        with pytest.raises(RefusedError, match=why) as refusal:
            await Peer(guarded.url, SoundTrack(happy_clip.sound), token=wrong).__aenter__()
        assert refusal.value.status == 401


@pytest.mark.parametrize(
    "given", ["", "Bearer", f"Basic {_TOKEN}", f"Bearer {_TOKEN}x", f"Bearer {_TOKEN[:-1]}", _TOKEN]
)
async def test_nothing_like_the_token_opens(guarded: LiveServer, given: str) -> None:
    """Another scheme, a part of the token and more than it are refused with what is asked for."""
    status, headers = await _asked(guarded.url, Authorization=given)
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("path", ["/config", "/metrics", "/offer", "/nothing"])
async def test_all_but_the_page_is_closed(guarded: LiveServer, path: str) -> None:
    """What has credentials or figures in it needs the token, and what will be added, too."""
    status, _ = await _asked(guarded.url, "GET", path)
    assert status == 401


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/healthz", "/readyz"])
async def test_the_page_and_the_health_are_for_all(guarded: LiveServer, path: str) -> None:
    """The page must load to take the token from its address, and probes have none."""
    status, _ = await _asked(guarded.url, "GET", path)
    assert status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_pages_of_other_sites_are_refused(server: LiveServer, origin: str) -> None:
    """An offer from another site's page gets 403, without any header that lets the page read it."""
    status, headers = await _asked(server.url, Origin=origin)
    assert status == 403
    assert "Access-Control-Allow-Origin" not in headers


async def test_the_servers_own_page_passes(server: LiveServer) -> None:
    """With our own origin, also by https before a proxy, an offer is looked at."""
    for scheme in ("http", "https"):
        origin = server.url.replace("http", scheme)
        status, _ = await _asked(server.url, Origin=origin, Content_Type="application/json")
        assert status == 400  # the empty body, and no door


async def test_an_allowed_site_may_ask_and_read(guarded: LiveServer) -> None:
    """Its preflight passes without the token, and refusals can be read by its page."""
    preflight = {"Origin": _ELSEWHERE, "Access_Control_Request_Method": "POST"}
    status, headers = await _asked(guarded.url, "OPTIONS", **preflight)
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == _ELSEWHERE
    assert "Authorization" in headers["Access-Control-Allow-Headers"]
    status, headers = await _asked(guarded.url, Origin=_ELSEWHERE)
    assert (status, headers["Access-Control-Allow-Origin"]) == (401, _ELSEWHERE)


async def test_the_preflight_of_another_site_fails(guarded: LiveServer) -> None:
    """A browser that asks on behalf of a site that is not allowed is told no."""
    preflight = {"Origin": "https://evil.example", "Access_Control_Request_Method": "POST"}
    status, _ = await _asked(guarded.url, "OPTIONS", **preflight)
    assert status == 403


@pytest.mark.parametrize("token", ["short", "", "with blanks in it", "ümlaute-überall"])
def test_a_token_that_cannot_be_is_refused(token: str) -> None:
    """Too short, with blanks or beyond ASCII: it is said at the start."""
    with pytest.raises(ValueError, match="at least 8 characters"):
        Doors(token)


@pytest.mark.parametrize(
    "origin", ["example.org", "https://example.org/", "https://example.org/app", "ftp://x", "*"]
)
def test_an_origin_that_is_none_is_refused(origin: str) -> None:
    """Only scheme, host and port make an origin, and everybody is none."""
    with pytest.raises(ValueError, match="is no origin"):
        Doors(allow_origins=(origin,))


def test_the_token_is_in_no_log() -> None:
    """It does not appear where settings are printed."""
    assert _TOKEN not in repr(ServerConfig(doors=Doors(_TOKEN)))
