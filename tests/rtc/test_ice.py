"""ICE servers: which may be named, and that both sides are told of them and of nothing else."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aioice import stun
from aioice.turn import make_integrity_key
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection
from aiortc.rtcicetransport import connection_kwargs

from rtc.client import post_offer
from rtc.config import IceServer, ServerConfig, SessionConfig
from rtc.serve import own_addresses
from tests.conftest import LiveServer, StartServer
from tests.media import Clip, SoundTrack, silence
from tests.peers import Peer

SECRET = "a credential for nobody else"
USERNAME = "emotions"
REALM = "test"
# Addresses of documentation: nobody has them, so that only the answers below can bring them.
MAPPED = ("203.0.113.9", 40_000)
RELAYED = ("203.0.113.77", 50_000)


@dataclass
class StunServer(asyncio.DatagramProtocol):
    """Answers binding requests, and allocations of those who prove that they know ``SECRET``.

    Attributes:
        port: on 127.0.0.1.
        asked: the methods of the requests that came; of allocations, the proven ones.
    """

    port: int = 0
    asked: list[stun.Method] = field(default_factory=list)

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        request = stun.parse_message(data)
        if request.message_class is stun.Class.REQUEST:
            self._transport.sendto(bytes(self._reply(request)), addr)

    def _reply(self, request: stun.Message) -> stun.Message:
        key = make_integrity_key(USERNAME, REALM, SECRET)
        reply = stun.Message(
            message_method=request.message_method,
            message_class=stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
        )
        reply.attributes["XOR-MAPPED-ADDRESS"] = MAPPED
        if request.message_method is not stun.Method.BINDING:
            if not request.check_message_integrity(key):
                reply.message_class = stun.Class.ERROR
                reply.attributes.clear()
                reply.attributes.update(
                    {"ERROR-CODE": (401, "who?"), "REALM": REALM, "NONCE": b"once"}
                )
                return reply
            reply.attributes.update({"LIFETIME": 600, "XOR-RELAYED-ADDRESS": RELAYED})
            reply.add_message_integrity(key)
        self.asked.append(request.message_method)
        return reply


@pytest.fixture
async def stun_server() -> AsyncIterator[StunServer]:
    """A STUN and TURN server on this machine."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        StunServer, local_addr=("127.0.0.1", 0)
    )
    yield protocol
    transport.close()


async def _answer(server: LiveServer) -> str:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTrack(SoundTrack(silence()))
    await peer.setLocalDescription(await peer.createOffer())
    try:
        answer = await post_offer(
            server.url, {"sdp": peer.localDescription.sdp, "type": peer.localDescription.type}
        )
    finally:
        await peer.close()
    return answer["sdp"]


def _config(*servers: IceServer) -> ServerConfig:
    return ServerConfig(session=SessionConfig(ice_servers=servers))


async def _told(server: LiveServer) -> object:
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/config") as response:
        assert response.headers["Cache-Control"] == "no-store"
        return (await response.json())["ice_servers"]


@pytest.fixture
def contacted(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Whom this process sends to, connects to or looks up, from here on: addresses and names.

    Below aiortc and asyncio: whatever they do goes through Python's sockets.
    """
    hosts: set[str] = set()

    def watch(of: object, name: str, host: Callable[..., str]) -> None:
        original = getattr(of, name)

        def call(*given: Any, **named: Any) -> Any:
            hosts.add(host(*given))
            return original(*given, **named)

        monkeypatch.setattr(of, name, call)

    watch(socket.socket, "sendto", lambda _, *given: given[-1][0])
    watch(socket.socket, "connect", lambda _, address: address[0])
    watch(socket.socket, "connect_ex", lambda _, address: address[0])
    watch(socket, "getaddrinfo", lambda host, *_: host)
    watch(socket, "gethostbyname", lambda host: host)
    return hosts


async def test_by_default_no_server_is_named_and_nobody_contacted_but_the_peer(
    server: LiveServer, contacted: set[str], happy_clip: Clip
) -> None:
    """A session, from offer to results to end, sends to no other machine and looks up no name."""
    assert await _told(server) == []
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        assert "typ host" in peer.client.connection.remoteDescription.sdp
        assert await peer.results(3)
        assert contacted  # the packets between the two
    async with asyncio.timeout(10):
        while server.registry.sessions:  # noqa: ASYNC110  what ends is a session, not an event
            await asyncio.sleep(0.05)
    # The peer is a process of this machine, so all that is sent ends here.
    assert contacted <= {str(address) for address in own_addresses()}


async def test_a_stun_server_tells_the_server_its_outer_address(
    start_server: StartServer, stun_server: StunServer
) -> None:
    """The configured STUN server is asked, and what it says stands in the answer."""
    url = f"stun:127.0.0.1:{stun_server.port}"
    server = await start_server(_config(IceServer((url,))))
    answer = await _answer(server)
    assert set(stun_server.asked) == {stun.Method.BINDING}
    assert f"{MAPPED[0]} {MAPPED[1]} typ srflx" in answer
    assert await _told(server) == [{"urls": [url]}]


async def test_a_turn_server_is_used_with_the_credential_which_is_never_logged(
    start_server: StartServer, stun_server: StunServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The TURN server gives its relay to the credential, which no log of any level shows."""
    caplog.set_level(logging.DEBUG)
    url = f"turn:127.0.0.1:{stun_server.port}?transport=udp"
    ice = IceServer((url,), USERNAME, SECRET)
    server = await start_server(_config(ice))
    answer = await _answer(server)
    assert stun.Method.ALLOCATE in stun_server.asked
    assert f"{RELAYED[0]} {RELAYED[1]} typ relay" in answer
    assert await _told(server) == [{"urls": [url], "username": USERNAME, "credential": SECRET}]
    assert "ALLOCATE" in caplog.text
    assert SECRET not in caplog.text


async def test_a_turn_server_that_refuses_leaves_the_other_ways(
    start_server: StartServer, stun_server: StunServer
) -> None:
    """With a wrong credential there is no relay, but an answer."""
    ice = IceServer((f"turn:127.0.0.1:{stun_server.port}",), USERNAME, "wrong")
    answer = await _answer(await start_server(_config(ice)))
    assert "typ relay" not in answer
    assert "typ host" in answer


@pytest.mark.parametrize(
    "url",
    [
        "stun:stun.example.org",
        "stun:192.0.2.1:3478",
        "turn:turn.example.org:3478?transport=tcp",
        "turn:my_host?transport=udp",
        "turns:turn.example.org:443",
        "turns:turn.example.org?transport=tcp",
    ],
)
def test_a_good_url_is_taken_and_known_to_aiortc(url: str) -> None:
    """Each form that is accepted is one that aiortc can begin to gather with."""
    ice = IceServer((url,), "name", "word")
    assert ice.dictionary() == {"urls": [url], "username": "name", "credential": "word"}
    given = connection_kwargs([RTCIceServer(list(ice.urls), ice.username, ice.credential)])
    assert given.keys() & {"stun_server", "turn_server"}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "stun",
        "stun:",
        "stun.example.org",
        "http://stun.example.org",
        "stun://stun.example.org",
        "stun:a b",
        "stun:host:port",
        "stun:host:0",
        "stun:host:65536",
        "stun:host:99999999999999999999",
        "stun:host?transport=udp",
        "stuns:host",
        "turn:host?transport=sctp",
        "turn:host?",
        "turns:host?transport=udp",
        "turn:[::1]:3478",
        "STUN:host",
        "stun:host\n",
    ],
)
def test_a_url_of_no_ice_server_is_refused(url: str) -> None:
    """What aiortc cannot use is named and refused, with the forms that are right."""
    with pytest.raises(ValueError, match="is no ICE server; write stun:HOST:PORT") as refused:
        IceServer((url,), "name", "word")
    assert repr(url) in str(refused.value)


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    """Whoever writes user and password into the URL is told so without seeing it again."""
    with pytest.raises(ValueError, match="no room for a password") as refused:
        IceServer((f"turn:name:{SECRET}@host",), "name", "word")
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("login", [(None, None), ("name", None), (None, "word"), ("name", "")])
def test_a_turn_server_without_a_login_is_refused(login: tuple[str | None, str | None]) -> None:
    """TURN without name or credential cannot work, and the refusal says what to give."""
    with pytest.raises(ValueError, match=r"--ice-username.*ICE_CREDENTIAL"):
        IceServer(("turn:host",), *login)


def test_the_credential_is_in_no_representation() -> None:
    """Neither the server's nor any configuration's ``repr`` shows it; the name is no secret."""
    config = _config(IceServer(("turn:host",), USERNAME, SECRET))
    assert USERNAME in repr(config)
    assert SECRET not in repr(config)
    assert SECRET in json.dumps(config.session.ice_servers[0].dictionary())
