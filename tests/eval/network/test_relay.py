"""The relay, between two real sockets: both ways, whose packets, and from which address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from eval.network.detour import candidate_of, with_candidate
from eval.network.impairment import Impairment
from eval.network.relay import Relay

_OFFER = """v=0\r
o=- 1 1 IN IP4 0.0.0.0\r
m=audio 5000 UDP/TLS/RTP/SAVPF 96\r
c=IN IP4 192.0.2.1\r
a=candidate:1 1 tcp 99 192.0.2.1 9 typ host tcptype active\r
a=candidate:2 1 udp 98 192.0.2.1 5000 typ host\r
a=candidate:3 1 udp 97 198.51.100.7 5001 typ srflx raddr 192.0.2.1 rport 5000\r
a=end-of-candidates\r
a=ptime:60\r
m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r
a=mid:1\r
"""


class _End(asyncio.DatagramProtocol):
    """One end of the way.

    Attributes:
        came: what has come, with its sender's address.
    """

    def __init__(self) -> None:
        self.came: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.came.put_nowait((data, addr))

    @property
    def address(self) -> tuple[str, int]:
        return self._transport.get_extra_info("sockname")

    def send(self, data: bytes, target: tuple[str, int]) -> None:
        self._transport.sendto(data, target)

    async def next(self) -> tuple[bytes, tuple[str, int]]:
        async with asyncio.timeout(2):
            return await self.came.get()

    def close(self) -> None:
        self._transport.close()


async def _end() -> _End:
    loop = asyncio.get_running_loop()
    _, end = await loop.create_datagram_endpoint(_End, local_addr=("127.0.0.1", 0))
    return end


@asynccontextmanager
async def _way() -> AsyncIterator[tuple[_End, Relay, _End]]:
    client, server = await _end(), await _end()
    try:
        async with Relay(client.address, seed=0) as relay:
            relay.server = server.address
            yield client, relay, server
    finally:
        client.close()
        server.close()


async def test_each_side_knows_the_relay_alone() -> None:
    """What either sends comes to the other, in order, from the relay's address."""
    async with _way() as (client, relay, server):
        for number in range(50):
            client.send(b"up %d" % number, relay.near)
            server.send(b"down %d" % number, relay.far)
        assert [await server.next() for _ in range(50)] == [
            (b"up %d" % number, relay.far) for number in range(50)
        ]
        assert [await client.next() for _ in range(50)] == [
            (b"down %d" % number, relay.near) for number in range(50)
        ]
        assert (relay.carried, relay.lost) == (100, 0)


async def test_strangers_are_not_carried() -> None:
    """Only the client's packets go to the server, and only the server's to the client."""
    async with _way() as (client, relay, server):
        stranger = await _end()
        stranger.send(b"not the client", relay.near)
        stranger.send(b"not the server", relay.far)
        client.send(b"up", relay.near)
        server.send(b"down", relay.far)
        assert await server.next() == (b"up", relay.far)
        assert await client.next() == (b"down", relay.near)
        stranger.close()


async def test_both_directions_are_harmed() -> None:
    """With every packet lost nothing passes either way; with none lost again, it does."""
    async with _way() as (client, relay, server):
        relay.impair(Impairment(loss=1.0))
        for _ in range(20):
            client.send(b"lost", relay.near)
            server.send(b"lost", relay.far)
        async with asyncio.timeout(2):
            while relay.lost < 40:  # noqa: ASYNC110  what is lost sets no event
                await asyncio.sleep(0.01)
        relay.impair(Impairment(duplicate=1.0))
        client.send(b"up", relay.near)
        server.send(b"down", relay.far)
        assert [await server.next() for _ in range(2)] == [(b"up", relay.far)] * 2
        assert [await client.next() for _ in range(2)] == [(b"down", relay.near)] * 2


async def test_delays_let_packets_overtake_each_other() -> None:
    """With jitter all arrive, within its length, and not in the order of their sending."""
    async with _way() as (client, relay, server):
        relay.impair(Impairment(jitter_ms=100))
        sent = [b"%d" % number for number in range(50)]
        for data in sent:
            client.send(data, relay.near)
        came = [(await server.next())[0] for _ in sent]
        assert came != sent
        assert sorted(came) == sorted(sent)


async def test_after_a_move_the_old_address_is_dead() -> None:
    """The server sees another address, by which it reaches the client; by the old one no more."""
    async with _way() as (client, relay, server):
        old = relay.far
        await relay.move()
        assert relay.far != old
        client.send(b"up", relay.near)
        assert await server.next() == (b"up", relay.far)
        server.send(b"to the old", old)
        server.send(b"to the new", relay.far)
        assert await client.next() == (b"to the new", relay.near)
        assert client.came.empty()


def test_a_description_names_the_relay_and_nobody_else() -> None:
    """Each section that had candidates has the relay's only; all other lines stay."""
    assert candidate_of(_OFFER) == ("192.0.2.1", 5000)
    lines = with_candidate(_OFFER, ("127.0.0.1", 7000)).splitlines()
    ours = "a=candidate:1 1 udp 2130706431 127.0.0.1 7000 typ host"
    assert [line for line in lines if "candidate:" in line] == [ours]
    section = lines[: lines.index("m=application 0 UDP/DTLS/SCTP webrtc-datachannel")]
    assert ours in section
    kept = [line for line in _OFFER.splitlines() if "candidate:" not in line]
    assert [line for line in lines if line != ours] == kept


def test_a_description_without_an_address_is_refused() -> None:
    """Without a host candidate there is nobody to carry for."""
    with pytest.raises(ValueError, match="no host candidate"):
        candidate_of(_OFFER.replace("typ host", "typ relay"))
