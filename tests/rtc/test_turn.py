"""Relay only, by way of a real TURN server: it serves, and says so when it cannot."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from rtc.client import RefusedError, post_offer
from rtc.config import IceServer, ServerConfig, SessionConfig
from rtc.messages import CHANNEL_LABEL, EmotionMessage
from rtc.ways import rtc_configuration
from tests.conftest import LiveServer, StartServer
from tests.media import Clip, SoundTrack, silence
from tests.turn import TurnServer, free_port, running_turn


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TurnServer]:
    """A TURN server on this machine."""
    with running_turn(tmp_path_factory.mktemp("turn")) as running:
        yield running


def _relay_only(server: IceServer) -> ServerConfig:
    session = SessionConfig(ice_servers=(server,), ice_relay_only=True, close_timeout_s=0.5)
    return ServerConfig(session=session)


@asynccontextmanager
async def _relayed(ice_server: IceServer, sound: SoundTrack) -> AsyncIterator[RTCPeerConnection]:
    """A peer that can be reached by way of the TURN server alone, as the page then is."""
    peer = RTCPeerConnection(rtc_configuration([ice_server], relay_only=True))
    peer.addTrack(sound)
    try:
        yield peer
    finally:
        await peer.close()
        sound.stop()


async def _offer(peer: RTCPeerConnection, server: LiveServer) -> str:
    """Offer and take the answer; return its SDP."""
    await peer.setLocalDescription(await peer.createOffer())
    local = peer.localDescription
    answer = await post_offer(server.url, {"sdp": local.sdp, "type": local.type})
    await peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
    return answer["sdp"]


def _types_of(sdp: str) -> set[str]:
    return set(re.findall(r"(?m)^a=candidate:.* typ (\w+)", sdp))


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_results_come_by_way_of_the_relay_alone(
    turn: TurnServer, start_server: StartServer, happy_clip: Clip, transport: str
) -> None:
    """With relays only on both sides, no other address is told, and results arrive."""
    ice_server = turn.ice_server(transport)
    server = await start_server(_relay_only(ice_server))
    messages: asyncio.Queue[EmotionMessage] = asyncio.Queue()

    def on_message(text: str) -> None:
        if json.loads(text)["type"] == "emotion":
            messages.put_nowait(EmotionMessage.from_json(text))

    async with _relayed(ice_server, SoundTrack(happy_clip.sound)) as peer:
        peer.createDataChannel(CHANNEL_LABEL).on("message", on_message)
        answer = await _offer(peer, server)
        assert _types_of(peer.localDescription.sdp) == _types_of(answer) == {"relay"}
        assert "raddr 0.0.0.0" in answer  # nor is the server's own address told besides
        async with asyncio.timeout(20):
            while (await messages.get()).voice is None:
                pass
    assert "ALLOCATE processed, success" in turn.log.read_text()


async def test_the_page_is_told_to_use_relays_alone(
    turn: TurnServer, start_server: StartServer
) -> None:
    """What the server keeps to, ``/config`` says to the page."""
    for config, policy in [
        (_relay_only(turn.ice_server()), "relay"),
        (ServerConfig(session=SessionConfig(ice_servers=(turn.ice_server(),))), "all"),
        (ServerConfig(), "all"),
    ]:
        server = await start_server(config)
        async with aiohttp.ClientSession() as http, http.get(f"{server.url}/config") as response:
            assert (await response.json())["ice_transport_policy"] == policy


async def test_a_wrong_password_is_told_at_once_and_takes_no_place(
    turn: TurnServer, start_server: StartServer
) -> None:
    """A TURN server that refuses the login leaves no way: the offer gets 503 and a sentence."""
    server = await start_server(_relay_only(turn.ice_server(credential="wrong")))
    began_at = time.monotonic()
    async with _relayed(turn.ice_server(), SoundTrack(silence())) as peer:
        with pytest.raises(RefusedError, match="TURN server alone, which gives it no") as refused:
            await _offer(peer, server)
    assert (refused.value.status, refused.value.retry_after_s) == (503, 10)
    assert time.monotonic() - began_at < 3
    assert not server.registry.sessions


async def test_a_turn_server_that_is_gone_is_told_within_the_pages_patience(
    turn: TurnServer, start_server: StartServer
) -> None:
    """Nobody answers there: the offer gets its 503 when aioice has waited its 5 s."""
    gone = IceServer((f"turn:127.0.0.1:{free_port()}",), "somebody", "something")
    server = await start_server(_relay_only(gone))
    async with _relayed(turn.ice_server(), SoundTrack(silence())) as peer:
        began_at = time.monotonic()
        with pytest.raises(RefusedError, match="TURN server alone, which gives it no") as refused:
            await _offer(peer, server)
        took_s = time.monotonic() - began_at
    print(f"told after {took_s:.1f} s")
    assert refused.value.status == 503
    assert took_s < 8  # the page gives an offer 15 s
    assert not server.registry.sessions


async def test_closing_does_not_wait_for_a_turn_server_that_died(
    start_server: StartServer, tmp_path: Path
) -> None:
    """A session whose relay is gone is over within its time for closing, and its place is free."""
    with running_turn(tmp_path) as mortal:
        server = await start_server(_relay_only(mortal.ice_server()))
        async with _relayed(mortal.ice_server(), SoundTrack(silence())) as peer:
            peer.createDataChannel(CHANNEL_LABEL)
            await _offer(peer, server)
            (session,) = server.registry.sessions.values()
    # The peer's goodbye is lost with the relay.
    began_at = time.monotonic()
    session.end("the test has seen enough")
    async with asyncio.timeout(5):
        while server.registry.sessions:  # noqa: ASYNC110  what ends is a session, not an event
            await asyncio.sleep(0.05)
    assert time.monotonic() - began_at < 2
