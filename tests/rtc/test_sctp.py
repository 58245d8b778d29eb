"""Which SCTP packets pass, and that a real association bears those that do not."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSctpTransport
from google_crc32c import value as crc32c

from rtc.sctp import AssociationGuard, read_chunks

_NEWEST = 1000  # the last number that the associations below have received


def chunk(kind: int, body: bytes, length: int | None = None) -> bytes:
    """A chunk, with the length that it has or another."""
    said = 4 + len(body) if length is None else length
    return struct.pack("!BBH", kind, 0, said) + body + bytes(-len(body) % 4)


def packet(*chunks: bytes) -> bytes:
    """A packet; its checksum is aiortc's to look at."""
    return bytes(12) + b"".join(chunks)


def data(number: int, stream: int = 0, payload: bytes = b"x", flags: int = 3) -> bytes:
    """A DATA chunk; by its flags the whole of a message."""
    body = struct.pack("!LHHL", number, stream, 0, 51) + payload
    return struct.pack("!BBH", 0, flags, 4 + len(body)) + body + bytes(-len(body) % 4)


def sack(*gaps: tuple[int, int], said: int | None = None) -> bytes:
    """A SACK chunk with these gaps, of which it says that it has so many."""
    edges = b"".join(struct.pack("!HH", *gap) for gap in gaps)
    count = len(gaps) if said is None else said
    return chunk(3, struct.pack("!LLHH", 1, 1 << 17, count, 0) + edges)


_INIT = chunk(1, struct.pack("!LLHHL", 1, 1 << 17, 10, 10, 1))


@pytest.mark.parametrize(
    "chunks",
    [
        (_INIT,),
        (chunk(1, struct.pack("!LLHHL", 1, 1 << 17, 10, 10, 1) + struct.pack("!HH", 0xC000, 4)),),
        (data(1), sack(), chunk(4, struct.pack("!HHL", 1, 8, 7))),
        (sack((2, 3), (5, 9)),),
        (chunk(10, bytes(24)), data(1)),
        (chunk(11, b""),),
        (chunk(130, struct.pack("!HHLLLH", 13, 18, 1, 1, 1, 0)),),
        (chunk(192, struct.pack("!LHH", 1, 0, 1)),),
        (chunk(77, b"of a kind that nobody knows"),),
    ],
    ids=["INIT", "a parameter", "three", "gaps", "COOKIE", "empty", "RECONFIG", "FORWARD", "other"],
)
def test_sound_packets_are_read(chunks: tuple[bytes, ...]) -> None:
    """Every kind of chunk that peers send passes."""
    assert len(read_chunks(packet(*chunks))) == len(chunks)


@pytest.mark.parametrize(
    "chunks",
    [
        (chunk(0, b"", length=0),),
        (chunk(0, b"abcd", length=3),),
        (chunk(0, b"abcd", length=9),),
        (b"\0\0",),
        (chunk(0, bytes(12)),),
        (_INIT, data(1)),
        (chunk(1, bytes(15)),),
        (chunk(1, bytes(16) + struct.pack("!HH", 1, 0)),),
        (chunk(2, bytes(16) + struct.pack("!HH", 1, 900)),),
        (chunk(3, bytes(11)),),
        (sack((1, 2), said=2),),
        (sack((9, 5)),),
        (sack((5, 9), (2, 3)),),
        (sack((1, 65_535)),),
        (chunk(4, bytes(4)),),
        (chunk(6, b"abc"),),
        (chunk(7, b"abc"),),
        (chunk(130, struct.pack("!HHL", 13, 8, 1)),),
        (chunk(130, struct.pack("!HHLLLB", 13, 17, 1, 1, 1, 0)),),
        (chunk(130, struct.pack("!HHL", 16, 8, 1)),),
        (chunk(192, bytes(6)),),
    ],
)
def test_malformed_packets_are_not(chunks: tuple[bytes, ...]) -> None:
    """What is cut off, or does not hold what its kind must, is told from the rest."""
    with pytest.raises(ValueError, match=r"."):
        read_chunks(packet(*chunks))


@pytest.fixture
async def association() -> AsyncIterator[RTCSctpTransport]:
    """One that has received everything up to ``_NEWEST``, and sends nothing."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.createDataChannel("any")
    made: RTCSctpTransport = connection.sctp
    made._last_received_tsn = _NEWEST
    yield made
    await connection.close()


class _Passed:
    """What a guard has let through: packets, oldest first."""

    def __init__(self, association: RTCSctpTransport) -> None:
        self.packets: list[bytes] = []
        vars(association)["_handle_data"] = self._note
        self.guard = AssociationGuard(association)

    async def _note(self, packet: bytes) -> None:
        self.packets.append(packet)


async def test_numbers_far_ahead_do_not_pass(association: RTCSctpTransport) -> None:
    """What follows closely, or came before, passes; what would be waited for for long does not."""
    passed = _Passed(association)
    near = [packet(data(number)) for number in (_NEWEST + 1, _NEWEST + 256, _NEWEST, 5)]
    far = [packet(data(number)) for number in (_NEWEST + 257, _NEWEST + (1 << 31) - 1)]
    for each in near + far:
        await association._handle_data(each)
    assert passed.packets == near
    assert passed.guard.refused == len(far)


async def test_nothing_is_numbered_before_the_beginning(association: RTCSctpTransport) -> None:
    """Data without an association does not pass; what begins one does."""
    association._last_received_tsn = None
    passed = _Passed(association)
    for each in (packet(data(1)), packet(chunk(192, bytes(4))), packet(_INIT)):
        await association._handle_data(each)
    assert passed.packets == [packet(_INIT)]


async def test_streams_have_an_end(association: RTCSctpTransport) -> None:
    """Sixteen streams may be open, by data or by skips; no packet brings a seventeenth."""
    passed = _Passed(association)
    for stream in range(15):
        association._get_inbound_stream(stream)
    two_more = packet(data(_NEWEST + 1, stream=100), data(_NEWEST + 2, stream=101))
    skips = packet(chunk(192, struct.pack("!LHHHH", _NEWEST, 100, 0, 101, 0)))
    one_more = packet(data(_NEWEST + 1, stream=65_000))
    for each in (two_more, skips, one_more):
        await association._handle_data(each)
    assert passed.packets == [one_more]


async def test_unfinished_messages_have_an_end(association: RTCSctpTransport) -> None:
    """Of messages that never end so many parts are kept, and no more."""
    AssociationGuard(association)
    association._send_sack = _nothing
    for number in range(300):
        made = packet(data(_NEWEST + 1 + number, flags=2 if number == 0 else 0))
        await association._handle_data(_with_checksum(association, made))
    (stream,) = association._inbound_streams.values()
    assert len(stream.reassembly) == 128


async def test_what_is_never_acknowledged_has_an_end(association: RTCSctpTransport) -> None:
    """After a new beginning aiortc cannot write what it holds into an acknowledgement, nor forget
    it; nothing more is taken then.
    """
    AssociationGuard(association)
    for newest in (_NEWEST, _NEWEST + 100_000, _NEWEST):
        association._last_received_tsn = newest
        for number in range(300):
            made = packet(data(newest + 2 + number % 200))
            await association._handle_data(_with_checksum(association, made))
    assert len(association._sack_misordered) <= 257
    assert len(association._sack_duplicates) <= 257


async def test_what_aiortc_raises_stays_here(association: RTCSctpTransport) -> None:
    """A channel that is there already, opened again, makes aiortc fail; nobody hears of it."""
    guard = AssociationGuard(association)
    association._send_sack = _nothing
    association._data_channels[2] = object()
    opening = struct.pack("!LHHL", _NEWEST + 1, 2, 0, 50) + b"\x03" + bytes(11)
    made = packet(struct.pack("!BBH", 0, 3, 4 + len(opening)) + opening)
    await association._handle_data(_with_checksum(association, made))
    assert guard.refused == 1
    association._data_channels.clear()


async def test_the_end_of_a_connection_is_passed_on(association: RTCSctpTransport) -> None:
    """aiortc ends a transport by ConnectionError, which must reach it."""

    async def fail(_: bytes) -> None:
        raise ConnectionError

    vars(association)["_handle_data"] = fail
    AssociationGuard(association)
    with pytest.raises(ConnectionError):
        await association._handle_data(packet(_INIT))


async def _nothing() -> None:
    """Stand where an answer would be sent."""


def _with_checksum(association: RTCSctpTransport, made: bytes) -> bytes:
    head = struct.pack("!HHL", 5000, 5000, association._local_verification_tag)
    checksum = struct.pack("<L", crc32c(head + bytes(4) + made[12:]))
    return head + checksum + made[12:]
