"""WHIP (RFC 9725): a standard client sends, results come as events, refusals have their status."""

from __future__ import annotations

import re
from dataclasses import replace

import aiohttp
import pytest
from aiortc import RTCSessionDescription

from rtc.config import IceServer, ServerConfig, SessionConfig
from rtc.doors import Doors
from tests.conftest import LiveServer, StartServer
from tests.events import events
from tests.media import Clip, PictureTrack, SoundTrack
from tests.publishers import Publisher, WhipError, sdp_offer
from tests.waiting import until

_SDP = {"Content-Type": "application/sdp"}
_FRAGMENT = "application/trickle-ice-sdpfrag"
_CANDIDATES = re.compile(r"a=(candidate:.*|end-of-candidates)\r\n")
_CANDIDATE = b"a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n"


async def _ask(
    url: str, method: str, path: str, **options: object
) -> tuple[int, str, aiohttp.typedefs.LooseHeaders]:
    async with aiohttp.ClientSession() as http, http.request(method, url + path, **options) as r:
        return r.status, await r.text(), r.headers


@pytest.mark.parametrize("codec", ["video/VP8", "video/H264"])
async def test_a_standard_client_gets_results_as_events(
    server: LiveServer, happy_clip: Clip, codec: str
) -> None:
    """Sound and pictures by WHIP, VP8 or H264, give voice, face and both as server-sent events."""
    tracks = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
    async with (
        Publisher(server.url, *tracks, codec=codec) as publisher,
        events(server.url, publisher.events) as stream,
    ):
        results = await stream.results(8)
    assert results[-1]["evidence"] == "both"
    sequences = [result["sequence"] for result in results]
    assert sequences == list(range(sequences[0], sequences[0] + 8))


@pytest.mark.parametrize("kind", ["voice", "face"])
async def test_sound_alone_and_pictures_alone(
    server: LiveServer, happy_clip: Clip, kind: str
) -> None:
    """Who sends one kind only gets results of that kind."""
    track = SoundTrack(happy_clip.sound) if kind == "voice" else PictureTrack(happy_clip.pictures)
    async with (
        Publisher(server.url, track) as publisher,
        events(server.url, publisher.events) as stream,
    ):
        assert (await stream.results(5))[-1]["evidence"] == kind


async def test_delete_ends_the_session(server: LiveServer, happy_clip: Clip) -> None:
    """DELETE answers 200, tells those who watch why, and what follows is told that it is over."""
    async with Publisher(server.url, SoundTrack(happy_clip.sound)) as publisher:
        async with events(server.url, publisher.events) as stream:
            assert await publisher.ask("DELETE") == (200, "")
            while (event := await stream.next()) is not None:
                last = event.message
        assert (last["type"], last["code"]) == ("notice", "ended")
        assert "its publisher ended it" in last["text"]
        await until(lambda: not server.registry.sessions)
        for method in ("DELETE", "PATCH"):
            status, text = await publisher.ask(method)
            assert (status, "has ended" in text) == (410, True)
        status, text, _ = await _ask(server.url, "GET", publisher.events)
        assert (status, "has ended" in text) == (410, True)


async def test_who_watches_cannot_end_the_session(server: LiveServer, happy_clip: Clip) -> None:
    """The name by which one watches is none by which one deletes."""
    async with Publisher(server.url, SoundTrack(happy_clip.sound)) as publisher:
        name = publisher.events.split("/")[2]
        status, _, _ = await _ask(server.url, "DELETE", f"/whip/{name}")
        assert status == 404
        status, _, _ = await _ask(server.url, "DELETE", f"/sessions/{name}")
        assert status == 405
        assert len(server.registry.sessions) == 1


async def test_candidates_that_come_later_are_used(server: LiveServer, happy_clip: Clip) -> None:
    """An offer without candidates connects by those that PATCH brings."""
    connection, sdp = await sdp_offer(SoundTrack(happy_clip.sound))
    candidates = re.findall(r"a=candidate:.*\S", sdp)
    bare = _CANDIDATES.sub("", sdp)
    status, answer, headers = await _ask(server.url, "POST", "/whip", data=bare, headers=_SDP)
    assert status == 201
    # Without the server's it calls nobody: the server has to call it.
    mute = RTCSessionDescription(_CANDIDATES.sub("", answer), "answer")
    await connection.setRemoteDescription(mute)
    (username,) = set(re.findall(r"a=ice-ufrag:(.*)\r", sdp))
    lines = [f"a=ice-ufrag:{username}", "m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", *candidates]
    fragment = "\r\n".join([*lines, "a=end-of-candidates", ""])
    status, text, _ = await _ask(
        server.url,
        "PATCH",
        headers["Location"],
        data=fragment,
        headers={"Content-Type": _FRAGMENT, "If-Match": headers["ETag"]},
    )
    assert (status, text) == (204, "")
    await until(lambda: connection.connectionState == "connected")
    await connection.close()


@pytest.mark.parametrize(
    ("status", "sentence", "changes", "body"),
    [
        (415, f"Content-Type: {_FRAGMENT}", {"Content-Type": "text/plain"}, b""),
        (428, "ETag as If-Match", {"If-Match": None}, b""),
        (412, "not the ETag", {"If-Match": '"another"'}, b""),
        (412, "not the ETag", {"If-Match": "W/{etag}"}, b""),
        (422, "does not restart ICE", {"If-Match": "*"}, b""),
        (422, "does not restart ICE", {}, b"a=ice-ufrag:other\r\n"),
        (400, "is empty", {}, b""),
        (400, "neither a= nor m=", {}, b"hello"),
        (400, "no UTF-8", {}, b"\xff"),
        (400, "before the a=mid", {}, _CANDIDATE),
        (400, "does not parse", {}, b"a=mid:0\r\na=candidate:1 1 udp\r\n"),
        (400, "does not parse", {}, b"a=mid:0\r\na=candidate:1 1 udp x 127.0.0.1 9 typ host\r\n"),
        (400, "more than 200 lines", {}, b"a=x\r\n" * 201),
        (400, "takes 64", {}, b"a=mid:0\r\n" + _CANDIDATE * 65),
        (413, "larger than 64 KB", {}, b"a" * 70_000),
    ],
)  # fmt: skip
async def test_a_bad_fragment_is_refused(  # noqa: PLR0913, PLR0917  a table has many columns
    server: LiveServer,
    happy_clip: Clip,
    status: int,
    sentence: str,
    changes: dict[str, str | None],
    body: bytes,
) -> None:
    """Each wrong PATCH gets the status of RFC 9725 and a sentence, and the session goes on."""
    async with Publisher(server.url, SoundTrack(happy_clip.sound)) as publisher:
        headers = {"Content-Type": _FRAGMENT, "If-Match": publisher.etag} | changes
        headers = {k: v.format(etag=publisher.etag) for k, v in headers.items() if v}
        got, text = await publisher.ask("PATCH", data=body, headers=headers)
        assert (got, sentence in text) == (status, True), text
        assert len(server.registry.sessions) == 1


@pytest.mark.parametrize(
    ("status", "sentence", "content_type", "body"),
    [
        (415, "application/sdp", "application/json", "v=0"),
        (400, "begins with v=0", "application/sdp", ""),
        (400, "begins with v=0", "application/sdp", "hello"),
        (400, "no UTF-8", "application/sdp", b"\xff\xfe"),
        (400, "neither audio nor video", "application/sdp", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n"),
        (413, "larger than 64 KB", "application/sdp", "v=0" + "x" * 70_000),
    ],
)
async def test_a_bad_offer_is_refused(
    server: LiveServer, status: int, sentence: str, content_type: str, body: str | bytes
) -> None:
    """Each wrong POST gets its status and a sentence, and nobody is served."""
    headers = {"Content-Type": content_type}
    got, text, _ = await _ask(server.url, "POST", "/whip", data=body, headers=headers)
    assert (got, sentence in text) == (status, True), text
    assert not server.registry.sessions


async def test_an_offer_that_breaks_off_is_refused(server: LiveServer, happy_clip: Clip) -> None:
    """Half an offer gets 400."""
    connection, sdp = await sdp_offer(SoundTrack(happy_clip.sound))
    await connection.close()
    half = sdp[: sdp.index("a=fingerprint")]
    status, text, _ = await _ask(server.url, "POST", "/whip", data=half, headers=_SDP)
    assert (status, list(text)[:2]) == (400, ["{", '"'])


@pytest.mark.parametrize("path", ["/whip", "/whip/unknown"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_methods_that_the_standard_reserves_are_405(
    server: LiveServer, path: str, method: str
) -> None:
    """GET, HEAD and PUT are kept for later versions of WHIP (RFC 9725, section 4.2)."""
    status, _, headers = await _ask(server.url, method, path)
    assert status == 405
    assert headers["Allow"] == ("OPTIONS, POST" if path == "/whip" else "DELETE, PATCH")


async def test_unknown_sessions_are_404(server: LiveServer) -> None:
    """DELETE and PATCH of a session that never was get 404 and a sentence."""
    for method in ("DELETE", "PATCH"):
        status, text, _ = await _ask(server.url, method, "/whip/unknown")
        assert (status, "no such session" in text) == (404, True)


async def test_options_say_what_is_taken(start_server: StartServer) -> None:
    """OPTIONS tells the media type, also without the token; a browser may ask from afar."""
    doors = Doors("a-token-for-this-test", ("https://example.org",))
    server = await start_server(ServerConfig(doors=doors))
    status, _, headers = await _ask(server.url, "OPTIONS", "/whip")
    assert (status, headers["Accept-Post"]) == (200, "application/sdp")
    preflight = {"Origin": "https://example.org", "Access-Control-Request-Method": "PATCH"}
    status, _, headers = await _ask(server.url, "OPTIONS", "/whip/x", headers=preflight)
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "https://example.org")
    assert "PATCH" in headers["Access-Control-Allow-Methods"]
    assert "If-Match" in headers["Access-Control-Allow-Headers"]


async def test_a_token_is_asked_for(start_server: StartServer, happy_clip: Clip) -> None:
    """Without the token nobody publishes, watches or ends; with it, all do."""
    token = "a-token-for-this-test"
    server = await start_server(ServerConfig(doors=Doors(token)))
    with pytest.raises(WhipError, match="token"):
        await Publisher(server.url, SoundTrack(happy_clip.sound)).__aenter__()
    async with Publisher(server.url, SoundTrack(happy_clip.sound), token=token) as publisher:
        for method, path in (("DELETE", publisher.location), ("GET", publisher.events)):
            status, _, headers = await _ask(server.url, method, path)
            assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
        async with events(server.url, publisher.events, Authorization=f"Bearer {token}") as stream:
            await stream.results(1)
        assert await publisher.ask("DELETE") == (200, "")


async def test_ice_servers_come_as_links(start_server: StartServer, happy_clip: Clip) -> None:
    """The ICE servers of the server are told to the client (RFC 9725, section 4.6)."""
    servers = (
        IceServer(("stun:127.0.0.1:9",)),
        IceServer(("turn:127.0.0.1:9?transport=udp",), "me", 'a"b'),
    )
    config = ServerConfig()
    session = replace(SessionConfig(), ice_servers=servers)
    server = await start_server(replace(config, session=session))
    async with Publisher(server.url, SoundTrack(happy_clip.sound)) as publisher:
        assert publisher.links[:2] == [
            '<stun:127.0.0.1:9>; rel="ice-server"',
            (
                '<turn:127.0.0.1:9?transport=udp>; rel="ice-server"; username="me"; '
                'credential="a\\"b"; credential-type="password"'
            ),
        ]


async def test_who_has_a_key_comes_back_by_it(server: LiveServer, happy_clip: Clip) -> None:
    """A key is watched by a name made of it; who sends with it again ends the session before."""
    async with aiohttp.ClientSession() as http, http.post(f"{server.url}/sessions") as response:
        assert response.status == 201
        made = await response.json()
    assert made["whip"] == f"/whip?key={made['key']}"
    assert made["key"] not in made["watch"]
    async with Publisher(server.url, SoundTrack(happy_clip.sound), key=made["key"]) as first:
        assert first.events == made["events"]
        (before,) = server.registry.sessions
        async with Publisher(server.url, SoundTrack(happy_clip.sound), key=made["key"]) as second:
            async with events(server.url, second.events) as stream:
                await stream.results(2)
            await until(lambda: before not in server.registry.sessions)
            assert len(server.registry.sessions) == 1


async def test_who_watches_cannot_send(server: LiveServer, happy_clip: Clip) -> None:
    """The name to watch by is another session's when it is used as a key."""
    async with Publisher(server.url, SoundTrack(happy_clip.sound)) as first:
        name = first.events.split("/")[2]
        async with Publisher(server.url, SoundTrack(happy_clip.sound), key=name) as second:
            assert second.events != first.events
            assert len(server.registry.sessions) == 2


@pytest.mark.parametrize("key", ["short", "x" * 65, "with a space, and a comma"])
async def test_a_key_that_can_be_guessed_is_refused(
    server: LiveServer, happy_clip: Clip, key: str
) -> None:
    """A short or strange key gets 400, and nobody is served."""
    with pytest.raises(WhipError, match=r"400.*22 to 64"):
        await Publisher(server.url, SoundTrack(happy_clip.sound), key=key).__aenter__()
    assert not server.registry.sessions


async def test_a_full_server_says_when_to_come_back(
    start_server: StartServer, happy_clip: Clip
) -> None:
    """503 with Retry-After, as RFC 9725 has it for overload."""
    server = await start_server(ServerConfig(max_sessions=1))
    async with Publisher(server.url, SoundTrack(happy_clip.sound)):
        connection, sdp = await sdp_offer(SoundTrack(happy_clip.sound))
        await connection.close()
        status, _, headers = await _ask(server.url, "POST", "/whip", data=sdp, headers=_SDP)
        assert (status, headers["Retry-After"]) == (503, "10")
