"""A peer's address changes: real sessions follow the peer, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from aiortc.rtp import is_rtcp

from eval.network.detour import Detour
from eval.network.relay import Relay
from rtc.roaming import Origin, Roaming
from tests.conftest import LiveServer
from tests.media import Clip, SoundTrack
from tests.peers import Peer
from tests.waiting import until


class _Attacker(asyncio.DatagramProtocol):
    """Somebody else on the way, who reads and sends, but has no keys.

    Attributes:
        came: what the server has sent there.
    """

    def __init__(self) -> None:
        self.came: list[bytes] = []

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002  asyncio's
        self.came.append(data)

    def send(self, data: bytes, target: tuple[str, int]) -> None:
        self._transport.sendto(data, target)

    def close(self) -> None:
        self._transport.close()


@asynccontextmanager
async def _attacker(relay: Relay) -> AsyncIterator[_Attacker]:
    loop = asyncio.get_running_loop()
    _, attacker = await loop.create_datagram_endpoint(_Attacker, local_addr=(relay.far[0], 0))
    try:
        yield attacker
    finally:
        attacker.close()


@asynccontextmanager
async def _speaking(server: LiveServer, clip: Clip) -> AsyncIterator[tuple[Peer, Relay]]:
    """Somebody whose results come by way of a relay."""
    async with (
        Detour(server.url, seed=0) as detour,
        Peer(detour.url, SoundTrack(clip.sound)) as peer,
    ):
        await peer.results(2)
        assert detour.relay is not None
        yield peer, detour.relay


def _roaming(server: LiveServer) -> Roaming:
    (session,) = server.registry.sessions.values()
    assert session._receiver is not None
    return session._receiver.roaming


def _tap(relay: Relay, passes: Callable[[bytes], bool]) -> None:
    """Have ``passes`` see the client's media, and say whether the relay carries it on."""
    carry = relay._from_client

    def tapped(data: bytes, origin: tuple[str, int]) -> None:
        is_media = 127 < data[0] < 192 and not is_rtcp(data)
        if not is_media or passes(data):
            carry(data, origin)

    relay._near.get_protocol()._take = tapped


async def test_a_peer_is_followed_each_time_it_moves(server: LiveServer, happy_clip: Clip) -> None:
    """Results go to the newest address, its checks and its goodbye are heard from there, and what
    is remembered of the others does not grow.
    """
    async with _speaking(server, happy_clip) as (peer, relay):
        roaming = _roaming(server)
        assert not roaming._is_elsewhere.is_set()  # while the peer stays there is nothing to check
        (session,) = server.registry.sessions.values()
        (transport,) = session._receiver._transports
        known = transport.transport._connection._remote_candidates
        for moves in (1, 2):
            await relay.move()
            await peer.results(2, timeout_s=3.0)
            assert roaming.moves == moves
            assert (known[-1].host, known[-1].port) == relay.far
        assert len(known) == 2  # by its offer, and by its last move
    await until(lambda: not server.registry.sessions, within_s=1.0)


async def test_what_comes_during_a_check_begins_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes from the new address while it is checked does not have it followed twice."""
    roaming, socket, new_address = Roaming(), object(), ("192.0.2.2", 2)
    old = SimpleNamespace(protocol=socket, remote_addr=("192.0.2.1", 1))
    connection = SimpleNamespace(_nominated={1: old}, _remote_candidates=[])
    checks = []

    async def answers(origin: Origin) -> bool:
        if not checks:
            roaming.heard(connection, socket, new_address)
        checks.append(origin.address)
        return True

    monkeypatch.setattr("rtc.roaming._answers", answers)
    roaming.heard(connection, socket, new_address)
    following = asyncio.create_task(roaming.run())
    await until(lambda: bool(checks) and not roaming._is_elsewhere.is_set(), within_s=1.0)
    following.cancel()
    assert checks == [new_address]
    assert roaming.moves == 1


async def test_replayed_packets_lead_nowhere(server: LiveServer, happy_clip: Clip) -> None:
    """Packets that were heard already, and forged ones, get no answer, wherever they come from."""
    async with _speaking(server, happy_clip) as (peer, relay), _attacker(relay) as attacker:
        roaming = _roaming(server)

        def replay(data: bytes) -> bool:
            relay._carry(data, relay._up, relay._far, relay.server)
            attacker.send(data, relay.server)
            attacker.send(data[:-1] + bytes([data[-1] ^ 1]), relay.server)
            return False

        _tap(relay, replay)
        assert len(await peer.results(3, timeout_s=3.0)) == 3
        assert attacker.came == []
        assert (roaming.moves, roaming._newest) == (0, None)


async def test_who_is_faster_than_the_peer_gets_checks_alone(
    server: LiveServer, happy_clip: Clip
) -> None:
    """Somebody who sends the peer's own packets on, before they come, is asked for a proof that
    only the peer can give; until then all results go to the peer.
    """
    async with _speaking(server, happy_clip) as (peer, relay), _attacker(relay) as attacker:
        roaming = _roaming(server)

        def overtake(data: bytes) -> bool:
            attacker.send(data, relay.server)
            return False  # of all media, none comes from the peer's own address

        _tap(relay, overtake)
        messages = await peer.results(4, timeout_s=4.0)
        assert all(message.voice is not None for message in messages)
        assert attacker.came
        assert {data[0] for data in attacker.came} == {0}  # STUN; DTLS and RTCP begin otherwise
        assert len(attacker.came) <= 8
        assert roaming.moves == 0
