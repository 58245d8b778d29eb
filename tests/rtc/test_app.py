"""HTTP: what is served, and every refusal as a sentence of JSON."""

from __future__ import annotations

import json

import aiohttp
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from rtc.client import RefusedError
from rtc.config import ServerConfig
from rtc.limits import AddressLimits
from tests.conftest import LiveServer, StartServer
from tests.media import Clip, SoundTrack, silence
from tests.peers import Peer

_JSON = {"Content-Type": "application/json"}


async def _sdp(*, kinds: tuple[str, ...] = (), channel: bool = True) -> str:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind in kinds:
        peer.addTransceiver(kind)
    if channel:
        peer.createDataChannel("emotions")
    await peer.setLocalDescription(await peer.createOffer())
    sdp = str(peer.localDescription.sdp)
    await peer.close()
    return sdp


async def _refusal(server: LiveServer, body: bytes) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{server.url}/offer", data=body, headers=_JSON) as response,
    ):
        fields = await response.json()
        assert list(fields) == ["error"]
        return response.status, fields["error"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "no SDP"),
        (b"[" * 60_000, "not JSON"),
        (b"{}", "no SDP"),
        (b'{"sdp": 5, "type": "offer"}', "no SDP"),
        (b'{"sdp": "v=0", "type": "answer"}', 'must be "offer"'),
        (b'{"sdp": "v=0", "type": "offer"}', "sends neither audio nor video"),
        (b'{"sdp": "m=audio x", "type": "offer"}', "does not parse"),
    ],
)
async def test_a_body_that_is_no_offer_is_refused(
    server: LiveServer, body: bytes, sentence: str
) -> None:
    """Each kind of nonsense gets 400 and a sentence that says what is wrong."""
    status, text = await _refusal(server, body)
    assert status == 400
    assert sentence in text


async def test_an_offer_without_sound_and_pictures_is_refused(server: LiveServer) -> None:
    """An offer of nothing but a data channel gets 400."""
    body = json.dumps({"sdp": await _sdp(), "type": "offer"}).encode()
    status, text = await _refusal(server, body)
    assert (status, "neither audio nor video" in text) == (400, True)


async def test_an_offer_that_only_receives_is_refused(server: LiveServer) -> None:
    """An offer that sends nothing gets 400, though it has an audio section."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTransceiver("audio", direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    body = json.dumps({"sdp": peer.localDescription.sdp, "type": "offer"}).encode()
    await peer.close()
    status, text = await _refusal(server, body)
    assert (status, "sends neither audio nor video" in text) == (400, True)


async def test_an_offer_without_a_common_codec_is_refused(server: LiveServer) -> None:
    """An offer of nothing but an unknown codec gets 400 and leaves no session."""
    sdp = (await _sdp(kinds=("video",))).replace("VP8/90000", "XYZ/90000")
    sdp = sdp.replace("H264/90000", "XYZ/90000").replace("rtx/90000", "XYZ/90000")
    status, text = await _refusal(server, json.dumps({"sdp": sdp, "type": "offer"}).encode())
    assert (status, "no codec" in text) == (400, True)
    assert not server.registry.sessions


async def test_two_cameras_are_refused(server: LiveServer) -> None:
    """One section of a kind is served; of two the sender is told."""
    body = json.dumps({"sdp": await _sdp(kinds=("video", "video")), "type": "offer"}).encode()
    status, text = await _refusal(server, body)
    assert (status, "2 video sections" in text) == (400, True)


async def test_a_truncated_offer_is_refused_and_leaves_no_session(server: LiveServer) -> None:
    """An offer cut off anywhere gets 400 or an answer, and what is refused holds no place."""
    sdp = await _sdp(kinds=("audio",))
    body = json.dumps({"sdp": sdp[: sdp.index("a=ice-ufrag")], "type": "offer"}).encode()
    status, _ = await _refusal(server, body)
    assert status == 400
    assert not server.registry.sessions


async def test_a_body_over_64_kb_is_refused(server: LiveServer) -> None:
    """64 KB is the limit; more gets 413."""
    status, text = await _refusal(server, b" " * 65_537)
    assert (status, "64 KB" in text) == (413, True)


async def test_a_body_of_another_kind_is_refused(server: LiveServer) -> None:
    """An offer that is not declared to be JSON gets 415 and what to declare."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            f"{server.url}/offer", data=b"v=0", headers={"Content-Type": "application/sdp"}
        ) as response,
    ):
        assert response.status == 415
        assert "application/json" in (await response.json())["error"]


async def test_readiness_is_room_for_one_more(start_server: StartServer, happy_clip: Clip) -> None:
    """``/readyz`` gives 200 while there is room, and 503 with Retry-After while there is none."""
    server = await start_server(ServerConfig(max_sessions=1))
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{server.url}/readyz") as response:
            assert (response.status, await response.json()) == (200, {"status": "ready"})
        async with (
            Peer(server.url, SoundTrack(happy_clip.sound)),
            http.get(f"{server.url}/readyz") as response,
        ):
            assert response.status == 503
            assert response.headers["Retry-After"] == "10"
            assert "full" in (await response.json())["error"]


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (AddressLimits(sessions=1), "1 sessions of your address"),
        (AddressLimits(offers_per_minute=1), "More than 1 offers a minute"),
    ],
)
async def test_one_address_cannot_take_all(
    start_server: StartServer, happy_clip: Clip, limits: AddressLimits, sentence: str
) -> None:
    """Too many sessions or offers of an address get 429, a sentence and when to come again."""
    server = await start_server(ServerConfig(address_limits=limits))
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        with pytest.raises(RefusedError, match=sentence) as refusal:
            await Peer(server.url, SoundTrack(happy_clip.sound)).__aenter__()
        assert refusal.value.status == 429
        assert refusal.value.retry_after_s is not None
        assert await peer.results(1)


async def test_health_names_the_models_and_counts_sessions(server: LiveServer) -> None:
    """``/healthz`` says that the server serves, with what, and how many people."""
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/healthz") as response:
        fields = await response.json()
    assert fields == {
        "status": "ok",
        "models": {"voice": {"name": "audio_bilstm"}, "face": {"name": "face_mobilenetv3"}},
        "sessions": 0,
        "max_sessions": 32,
    }


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/", "text/html"), ("/static/main.js", "javascript"), ("/static/style.css", "text/css")],
)
async def test_the_page_is_served(server: LiveServer, path: str, kind: str) -> None:
    """The page and its parts come with the content types that browsers insist on."""
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}{path}") as response:
        assert response.status == 200
        assert kind in response.headers["Content-Type"]


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/static/", "/static", "/static/../server.py", "/static/%2e%2e/server.py"],
)
async def test_nothing_else_is_served(server: LiveServer, path: str) -> None:
    """Other paths, the page's folder itself and ways out of it get 404 and a sentence."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{server.url}{path}", allow_redirects=False) as response,
    ):
        assert response.status == 404
        assert "error" in await response.json()


async def test_the_wrong_method_is_told_the_right_one(server: LiveServer) -> None:
    """GET /offer gets 405 and the method that is taken."""
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/offer") as response:
        assert response.status == 405
        assert (await response.json())["error"] == "/offer takes POST only."


async def test_an_answer_is_complete(server: LiveServer) -> None:
    """A good offer gets an answer with candidates in it, so that no trickle is needed."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTrack(SoundTrack(silence()))
    await peer.setLocalDescription(await peer.createOffer())
    body = {"sdp": peer.localDescription.sdp, "type": "offer"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{server.url}/offer", json=body) as response,
    ):
        answer = await response.json()
    assert (response.status, answer["type"]) == (200, "answer")
    assert "a=candidate" in answer["sdp"]
    assert "a=end-of-candidates" in answer["sdp"]
    await peer.close()
