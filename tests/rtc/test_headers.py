"""What every answer says in its headers, and what the page costs on the wire."""

from __future__ import annotations

import asyncio
import gzip
import re
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from rtc.headers import set_headers
from rtc.pages import WEB_FOLDER
from tests.conftest import LiveServer

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
GZIP = {"Accept-Encoding": "gzip, deflate, br"}


async def _wire(server: LiveServer, *requests: str) -> bytes:
    """Send requests one after the other over one connection; return all bytes that come back."""
    address = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    for number, request in enumerate(requests):
        last = number == len(requests) - 1
        ends = "Connection: close\r\n" if last else ""
        writer.write(f"{request}\r\nHost: here\r\n{ends}\r\n".encode())
    received = await reader.read()
    writer.close()
    await writer.wait_closed()
    return received


async def _etag(server: LiveServer, path: str) -> str:
    async with (
        aiohttp.ClientSession(headers=GZIP) as http,
        http.get(f"{server.url}{path}") as response,
    ):
        return response.headers["ETag"]


_JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/static/main.js", 200),
        ("GET", "/healthz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/config", 200),
        ("GET", "/nothing", 404),
        ("GET", "/static/nothing.js", 404),
        ("GET", "/static/", 404),
        ("GET", "/offer", 405),
        ("POST", "/offer", 400),
    ],
)
async def test_every_answer_carries_the_security_headers(
    server: LiveServer, method: str, path: str, status: int
) -> None:
    """Page, files, facts and refusals alike say what a page of this server may do."""
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, f"{server.url}{path}", headers=_JSON) as response,
    ):
        assert response.status == status
        headers = response.headers
    assert "Server" not in headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["Permissions-Policy"] == "camera=(self), microphone=(self)"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_a_body_too_large_and_a_fault_of_ours_carry_them_too(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """413, and 500 after an exception, come with the headers."""
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{server.url}/offer", data=b" " * 65_537, headers=_JSON) as response:
            assert (response.status, response.headers["X-Content-Type-Options"]) == (413, "nosniff")
        monkeypatch.delattr("rtc.app.read_offer")
        async with http.post(f"{server.url}/offer", data=b"{}", headers=_JSON) as response:
            assert (response.status, response.headers["X-Content-Type-Options"]) == (500, "nosniff")


@pytest.mark.parametrize("name", ["index.html", "watch.html"])
def test_a_page_needs_nothing_that_the_policy_forbids(name: str) -> None:
    """A page has no script, style or event attribute inside its HTML, and no foreign address."""
    page = (WEB_FOLDER / name).read_text()
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\s(style|on\w+)=", page)
    assert not re.search(r"""(src|href)=["'](?!/static/)""", page)


def _loaded_by(page: str, pattern: str = r"from '\./([\w-]+\.js)'") -> set[str]:
    """Return the names of all styles and scripts that a page loads when it is opened.

    With another pattern, of what else it may load.
    """
    waiting = re.findall(r'"/static/([\w-]+\.(?:css|js))"', (WEB_FOLDER / page).read_text())
    loaded: set[str] = set()
    while waiting:
        if (name := waiting.pop()) not in loaded:
            loaded.add(name)
            waiting += re.findall(pattern, (WEB_FOLDER / name).read_text())
    return loaded


def test_every_script_is_loaded_by_a_page() -> None:
    """No script or style lies about that no page loads, be it later."""
    there = {each.name for each in WEB_FOLDER.iterdir() if each.suffix in {".css", ".js"}}
    ever = r"'\./([\w-]+\.js)'"
    assert _loaded_by("index.html", ever) | _loaded_by("watch.html", ever) == there


@pytest.mark.parametrize(("page", "file"), [("/", "index.html"), ("/watch", "watch.html")])
async def test_a_page_costs_60_kb_at_most(server: LiveServer, page: str, file: str) -> None:
    """A page, its style and all scripts, headers included, are 60 KB on the wire with gzip."""
    paths = [page, *(f"/static/{name}" for name in _loaded_by(file))]
    assert len(paths) > 10
    cost = 0
    for path in paths:
        answer = await _wire(server, f"GET {path} HTTP/1.1\r\nAccept-Encoding: gzip")
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nContent-Encoding: gzip\r\n" in answer
        cost += len(answer)
    assert cost <= 60_000


@pytest.mark.parametrize(
    "path", ["/", "/static/main.js", "/static/style.css", "/static/favicon.svg"]
)
async def test_text_comes_as_gzip_and_unpacks_to_the_file(server: LiveServer, path: str) -> None:
    """What arrives is smaller than the file, and unpacked it is the file."""
    file = WEB_FOLDER / (path.removeprefix("/static/") if path != "/" else "index.html")
    async with (
        aiohttp.ClientSession(auto_decompress=False, headers=GZIP) as http,
        http.get(f"{server.url}{path}") as response,
    ):
        body = await response.read()
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Vary"] == "Accept-Encoding"
        assert response.headers["Cache-Control"] == "no-cache"
    assert gzip.decompress(body) == file.read_bytes()


@pytest.mark.parametrize("accepted", ["", "br", "deflate", "gzip;q=0", "br, gzip; q=0.0, deflate"])
async def test_without_gzip_the_file_comes_as_it_is(server: LiveServer, accepted: str) -> None:
    """Whoever does not take gzip, or refuses it with quality zero, gets the plain file."""
    async with (
        aiohttp.ClientSession(auto_decompress=False) as http,
        http.get(f"{server.url}/", headers={"Accept-Encoding": accepted}) as response,
    ):
        body = await response.read()
        assert "Content-Encoding" not in response.headers
        assert response.headers["Vary"] == "Accept-Encoding"
    assert body == (WEB_FOLDER / "index.html").read_bytes()


@pytest.mark.parametrize(
    "accepted", ["gzip", "GZIP", "br;q=1.0, gzip;q=0.8, *;q=0.1", "gzip;q=0.05"]
)
async def test_gzip_is_seen_among_others(server: LiveServer, accepted: str) -> None:
    """Any way of naming gzip with a quality above zero is an acceptance."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{server.url}/", headers={"Accept-Encoding": accepted}) as response,
    ):
        assert response.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("path", ["/", "/static/main.js"])
async def test_an_unchanged_file_is_not_sent_again(server: LiveServer, path: str) -> None:
    """Asked with the tag of before, it says 304 without a body, and the connection stays good."""
    etag = await _etag(server, path)
    assert etag.startswith("W/")
    ask = f"GET {path} HTTP/1.1\r\nAccept-Encoding: gzip\r\nIf-None-Match: {etag}"
    received = await _wire(server, ask, "GET /healthz HTTP/1.1")
    first, _, rest = received.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 304 ")
    assert f"Etag: {etag}".encode() in first
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.endswith(b"}")


async def test_an_old_tag_gets_the_file(server: LiveServer) -> None:
    """Asked with another tag, the whole file comes."""
    async with (
        aiohttp.ClientSession(headers=GZIP) as http,
        http.get(f"{server.url}/static/main.js", headers={"If-None-Match": '"old"'}) as response,
    ):
        assert response.status == 200
        assert await response.read() == (WEB_FOLDER / "main.js").read_bytes()


async def test_head_says_what_get_would_and_sends_no_body(server: LiveServer) -> None:
    """HEAD has GET's headers, and the next answer on the connection begins right after them."""
    ask = "{} /static/main.js HTTP/1.1\r\nAccept-Encoding: gzip"
    received = await _wire(server, ask.format("HEAD"), "GET /healthz HTTP/1.1")
    head, _, rest = received.partition(b"\r\n\r\n")
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    got = (await _wire(server, ask.format("GET"))).partition(b"\r\n\r\n")[0]
    expected = {
        line for line in got.split(b"\r\n") if not line.startswith((b"Date", b"Connection"))
    }
    said = {line for line in head.split(b"\r\n") if not line.startswith(b"Date")}
    assert said == expected - {b"Transfer-Encoding: chunked"}


async def test_a_part_of_a_file_is_of_the_file_as_it_lies_there(server: LiveServer) -> None:
    """A range is not compressed, for its numbers count the plain file's bytes."""
    ask = {**GZIP, "Range": "bytes=10-19"}
    async with (
        aiohttp.ClientSession(auto_decompress=False) as http,
        http.get(f"{server.url}/static/main.js", headers=ask) as response,
    ):
        assert response.status == 206
        assert await response.read() == (WEB_FOLDER / "main.js").read_bytes()[10:20]


async def test_answers_that_are_no_files_are_left_alone(server: LiveServer) -> None:
    """JSON is not compressed: a credential in it must not be guessed by the length of answers."""
    async with (
        aiohttp.ClientSession(headers=GZIP) as http,
        http.get(f"{server.url}/config") as response,
    ):
        assert "Content-Encoding" not in response.headers


async def test_a_file_that_is_no_text_is_left_alone(tmp_path: Path) -> None:
    """A picture, which gzip would not make smaller, comes as it is."""
    (tmp_path / "picture.png").write_bytes(b"png")
    app = web.Application()
    set_headers(app)
    app.router.add_static("/static", tmp_path)
    async with (
        TestClient(TestServer(app)) as http,
        http.get("/static/picture.png", headers=GZIP) as response,
    ):
        assert "Content-Encoding" not in response.headers
        assert await response.read() == b"png"
