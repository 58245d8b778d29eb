"""The address that peers are told in place of this machine's."""

from __future__ import annotations

import asyncio
import logging
import re
import socket

import aioice.ice
import pytest
from aiortc import RTCSessionDescription

from rtc.announcing import announced, check_announced
from rtc.config import ServerConfig, SessionConfig
from rtc.offering import post_offer
from tests.conftest import StartServer
from tests.media import Clip, SoundTrack
from tests.publishers import sdp_offer
from tests.waiting import until

_OUTER = "127.0.0.9"
_DESCRIPTION = (
    "v=0\r\n"
    "m=audio 40000 UDP/TLS/RTP/SAVPF 96\r\n"
    "c=IN IP4 127.0.0.1\r\n"
    "a=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host\r\n"
    "a=candidate:2 1 udp 2130706431 10.1.1.1 40001 typ host\r\n"
    "a=candidate:3 1 udp 2130706431 fd00::1 40002 typ host\r\n"
    "a=candidate:4 1 udp 1694498815 198.51.100.9 40003 typ srflx raddr 127.0.0.1 rport 40000\r\n"
    "a=candidate:5 1 udp 16777215 198.51.100.8 50000 typ relay raddr 198.51.100.9 rport 40003\r\n"
    "a=end-of-candidates\r\n"
)


def test_the_host_candidate_that_leads_there_has_the_address() -> None:
    """Of several networks the one that leads there is told of; servers' candidates stay."""
    told = announced(_DESCRIPTION, "127.0.0.9")
    assert re.findall(r"a=candidate:(\d) \S+ \S+ \S+ (\S+) (\d+) typ (\w+)", told) == [
        ("1", "127.0.0.9", "40000", "host"),
        ("4", "198.51.100.9", "40003", "srflx"),
        ("5", "198.51.100.8", "50000", "relay"),
    ]
    assert "c=IN IP4 127.0.0.9\r\n" in told
    assert told.endswith("a=end-of-candidates\r\n")


def test_an_address_to_which_nothing_leads_gets_the_first() -> None:
    """Where this machine knows no way there, its first candidate is told of."""
    only = _DESCRIPTION.replace("127.0.0.1 40000", "10.9.9.9 40000")
    assert "203.0.113.7 40000 typ host" in announced(only, "203.0.113.7")


@pytest.mark.parametrize(
    "address", ["here", "::1", "1.2.3", "0.0.0.0", "239.1.1.1", "255.255.255.255"]
)
def test_what_is_no_address_of_a_machine_is_refused(address: str) -> None:
    """Names, IPv6 and addresses of many or none are refused when the server starts."""
    with pytest.raises(ValueError, match="--announce-address"):
        check_announced(address)


class _Nat(asyncio.DatagramProtocol):
    """Maps one port of the outer address to that of the machine behind, each peer to its own."""

    def __init__(self, inner: tuple[str, int]) -> None:
        self._inner = inner
        self._ways: dict[tuple[str, int], _Way] = {}

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self.outer = transport

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        if peer not in self._ways:
            self._ways[peer] = _Way(self.outer, peer, self._inner)
        self._ways[peer].send(data)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        for way in self._ways.values():
            way.close()


class _Way:
    def __init__(
        self, outer: asyncio.DatagramTransport, peer: tuple[str, int], inner: tuple[str, int]
    ) -> None:
        self._outer, self._peer = outer, peer
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(inner)
        asyncio.get_running_loop().add_reader(self._socket, self._back)

    def send(self, data: bytes) -> None:
        self._socket.send(data)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _back(self) -> None:
        self._outer.sendto(self._socket.recv(2048), self._peer)


async def test_media_comes_by_the_announced_address(
    start_server: StartServer, happy_clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer that the server could not reach itself connects by way of the NAT's address."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
    server = await start_server(ServerConfig(session=SessionConfig(announce_address=_OUTER)))
    connection, sdp = await sdp_offer(SoundTrack(happy_clip.sound))
    unreachable = re.sub(r"a=(candidate:.*|end-of-candidates)\r\n", "", sdp)
    answer = await post_offer(server.url, {"sdp": unreachable, "type": "offer"})
    ((address, port),) = set(re.findall(r"a=candidate:.* (\S+) (\d+) typ host", answer["sdp"]))
    assert address == _OUTER
    loop = asyncio.get_running_loop()
    nat, _ = await loop.create_datagram_endpoint(
        lambda: _Nat(("127.0.0.1", int(port))), local_addr=(_OUTER, int(port))
    )
    await connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    await until(lambda: connection.connectionState == "connected", within_s=10)
    await connection.close()
    nat.close()


async def test_a_wrong_address_is_suspected(
    start_server: StartServer, happy_clip: Clip, caplog: pytest.LogCaptureFixture
) -> None:
    """When peers do not come by the announced address, the log asks whether it is right, once."""
    session = SessionConfig(announce_address="127.0.0.9", connect_timeout_s=0.2)
    server = await start_server(ServerConfig(session=session))
    for _ in range(2):
        connection, sdp = await sdp_offer(SoundTrack(happy_clip.sound))
        await post_offer(server.url, {"sdp": sdp, "type": "offer"})
        await until(lambda: not server.registry.sessions)
        await connection.close()
    (suspicion,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert "does --announce-address 127.0.0.9 lead to this machine" in suspicion.getMessage()
