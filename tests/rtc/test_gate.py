"""What may reach aioice and aiortc, of a real transport that waits for its peer."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator

import pytest
from aioice import Candidate, stun
from aiortc import RTCConfiguration, RTCDtlsTransport, RTCPeerConnection

from rtc.gate import Gate
from tests.conftest import LiveServer
from tests.media import Clip, SoundTrack
from tests.peers import Peer

_PEER = ("192.0.2.1", 5000)
_STRANGER = ("192.0.2.2", 5000)
_HELLO = b"\x16\xfe\xff" + bytes(10)
_PROTECTED = b"\x17\xfe\xfd" + bytes(8) + b"\0\3abc"


@pytest.fixture
async def transport() -> AsyncIterator[RTCDtlsTransport]:
    """A transport without a connection, which knows one address of its peer."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.createDataChannel("any")
    made: RTCDtlsTransport = connection.sctp.transport
    known = Candidate("1", 1, "udp", 1, *_PEER, "host")
    await made.transport._connection.add_remote_candidate(known)
    yield made
    await connection.close()


class _Passed:
    """What a gate has let through, in the place of aioice's socket.

    Attributes:
        gate: it.
        data: datagrams, oldest first.
        transactions: checks that were sent, as aioice has them.
        now: what time it is, in seconds.
    """

    def __init__(self, transport: RTCDtlsTransport) -> None:
        self.data: list[bytes] = []
        self.transactions: dict[bytes, object] = {}
        self.now = 5.0
        self.gate = Gate(transport, self, lambda: self.now)

    def datagram_received(self, data: bytes, _: object) -> None:
        self.data.append(data)


def _check(
    transport: RTCDtlsTransport,
    kind: stun.Class = stun.Class.REQUEST,
    password: str | None = None,
    left_out: str | None = None,
) -> bytes:
    connection = transport.transport._connection
    message = stun.Message(stun.Method.BINDING, kind)
    names = connection.local_username, connection.remote_username or "peer"
    message.attributes["USERNAME"] = ":".join(names)
    message.attributes["PRIORITY"] = 1
    message.attributes.pop(left_out, None)
    message.add_message_integrity((password or connection.local_password).encode())
    return bytes(message)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        _HELLO + bytes(1500),
        b"\x80\xc8" + bytes(50),  # RTCP
        b"\x80\xdf" + bytes(50),  # what aiortc would take for RTP
        b"\x40" + bytes(50),  # a TURN channel
        b"\xff" * 50,
        b"\x00\x01" + bytes(50),  # nearly STUN
    ],
)
def test_what_nobody_needs_does_not_pass(transport: RTCDtlsTransport, data: bytes) -> None:
    """Datagrams of no kind, of no use or of too many bytes are dropped, even those of a peer."""
    passed = _Passed(transport)
    passed.gate.take(data, _PEER)
    assert (passed.data, passed.gate.refused) == ([], 1)


def test_a_handshake_is_of_known_addresses(transport: RTCDtlsTransport) -> None:
    """A forged message would end it; who is not known does not get as far."""
    passed = _Passed(transport)
    for data in (_HELLO, _PROTECTED):
        passed.gate.take(data, _PEER)
        passed.gate.take(data, _STRANGER)
    assert passed.data == [_HELLO, _PROTECTED]
    assert passed.gate.refused == 2


async def test_a_peer_at_a_new_address_is_heard(server: LiveServer, happy_clip: Clip) -> None:
    """Once there are keys, what they protect may come from anywhere."""
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        await peer.results(1)
        (session,) = server.registry.sessions.values()
        passed = _Passed(session._peer.sctp.transport)
        for data in (_HELLO, _PROTECTED):
            passed.gate.take(data, _STRANGER)
    assert passed.data == [_PROTECTED]


def test_a_stranger_needs_the_password_to_be_checked(transport: RTCDtlsTransport) -> None:
    """Checks of unknown addresses pass with our credentials only; others get no answer."""
    passed = _Passed(transport)
    sound = _check(transport)
    for data in (
        sound,
        _check(transport, password="a" * 22),
        _check(transport, kind=stun.Class.RESPONSE),
    ):
        passed.gate.take(data, _STRANGER)
    assert passed.data == [sound]
    passed.gate.take(_check(transport, kind=stun.Class.RESPONSE), _PEER)
    assert len(passed.data) == 2


async def test_checks_that_aioice_trips_over_do_not_pass(transport: RTCDtlsTransport) -> None:
    """It kept them, and failed when the connection began: one of a second component's address,
    and one without a priority.
    """
    second = Candidate("1", 2, "udp", 1, "192.0.2.3", 5000, "host")
    await transport.transport._connection.add_remote_candidate(second)
    passed = _Passed(transport)
    passed.gate.take(_check(transport), ("192.0.2.3", 5000))
    passed.gate.take(_check(transport, left_out="PRIORITY"), _PEER)
    passed.gate.take(_check(transport, left_out="PRIORITY"), _STRANGER)
    assert (passed.data, passed.gate.refused) == ([], 3)


def test_a_stranger_may_answer_a_check_of_ours(transport: RTCDtlsTransport) -> None:
    """Where a peer has gone is found out by a check, whose answer comes from there."""
    passed = _Passed(transport)
    asked = _check(transport)
    passed.transactions[asked[8:20]] = object()
    answer = b"\x01\x01" + struct.pack("!H", 0) + asked[4:20]
    passed.gate.take(answer, _STRANGER)
    assert passed.data == [answer]
    passed.transactions.clear()
    passed.gate.take(answer, _STRANGER)
    assert passed.gate.refused == 1


async def test_a_peer_has_so_many_addresses_and_no_more(transport: RTCDtlsTransport) -> None:
    """Each address that a peer claims to have costs time, so there is an end to it."""
    connection = transport.transport._connection
    for number in range(63):
        await connection.add_remote_candidate(
            Candidate("1", 1, "udp", 1, "192.0.2.9", 1000 + number, "host")
        )
    passed = _Passed(transport)
    passed.gate.take(_check(transport), _STRANGER)
    passed.gate.take(_check(transport), _PEER)
    assert len(passed.data) == 1


def test_records_pass_one_by_one(transport: RTCDtlsTransport) -> None:
    """aiortc would read the first of a datagram and keep the others; what is cut off is dropped."""
    passed = _Passed(transport)
    passed.gate.take(_HELLO + _PROTECTED + _HELLO + _PROTECTED[:-1], _PEER)
    assert passed.data == [_HELLO, _PROTECTED, _HELLO]
    of_13 = b"\x2c" + bytes(30)
    passed.gate.take(of_13, _PEER)
    assert passed.data[3:] == [of_13]
    passed.gate.take(_HELLO * 100, _PEER)
    assert len(passed.data) == 4 + 16


async def test_a_flood_is_stemmed(server: LiveServer, happy_clip: Clip) -> None:
    """A peer's datagrams pass up to 500 a second; strangers' up to fifty, and not at its cost."""
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        await peer.results(1)
        (session,) = server.registry.sessions.values()
        transport = session._peer.sctp.transport
        (known, *_) = transport.transport._connection.remote_candidates
        passed = _Passed(transport)
        for _ in range(300):
            passed.gate.take(_PROTECTED, _STRANGER)
            passed.gate.take(_check(transport), (_STRANGER[0], 9))
        assert len(passed.data) == 50
        passed.now += 1
        for _ in range(300):
            passed.gate.take(_PROTECTED * 2, (known.host, known.port))
    assert len(passed.data) == 50 + 500


def test_what_nobody_reads_does_not_pile_up(transport: RTCDtlsTransport) -> None:
    """Before the checks have succeeded nobody reads DTLS, of which little is kept."""
    connection = transport.transport._connection
    passed = _Passed(transport)
    passed.gate._pass_on = lambda data, _: connection.data_received(data, 1)
    for _ in range(1000):
        passed.gate.take(_HELLO, _PEER)
    assert connection._queue.qsize() == 64
    _Passed(transport)
    assert connection._queue.empty()  # a new gate begins with nothing


async def test_what_aioice_raises_stays_here(transport: RTCDtlsTransport) -> None:
    """A socket that fails is no reason to raise into the event loop."""
    passed = _Passed(transport)

    def fail(_: bytes, __: object) -> None:
        raise KeyError("PRIORITY")

    passed.gate._pass_on = fail
    passed.gate.take(_check(transport), _PEER)
    assert passed.gate.refused == 1


async def test_strangers_get_no_answer(server: LiveServer, happy_clip: Clip) -> None:
    """To a check with wrong credentials nothing comes back; to our own session's peer it does."""
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        await peer.results(1)
        (session,) = server.registry.sessions.values()
        transport = session._peer.sctp.transport
        candidate = transport.transport._connection.local_candidates[0]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.settimeout(0.0)
            address = (candidate.host, candidate.port)
            stranger.sendto(_check(transport, password="a" * 22), address)
            await peer.results(1)
            with pytest.raises(BlockingIOError):
                stranger.recv(1500)
            stranger.sendto(_check(transport), address)
            await peer.results(1)
            assert stranger.recv(1500)[:2] == b"\x01\x01"  # a success response
