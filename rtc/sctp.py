"""Which SCTP packets may reach aiortc: well-formed ones that it has room for.

A peer that was let in could otherwise stop the whole server with one packet: aiortc 1.16 reads a
parameter of length 0 for ever, and counts through 65,536 numbers for each gap of a SACK. See
tests/rtc/test_upstream.py. Sections are those of RFC 9260.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from aiortc import RTCSctpTransport

_HEADER_BYTES = 12  # section 3.1
_CHUNK_HEADER = struct.Struct("!BBH")  # section 3.2; of a parameter, section 3.2.1, as long
_MOST_GAP = 1024  # packets behind the last acknowledged one; what is sent is two messages a second
_MOST_AHEAD = 256  # packets that may come before one that is missing
_MOST_HELD = 128  # fragments of unfinished messages; the largest in our offer has sixty
_MOST_STREAMS = 16  # a channel takes one

_DATA, _INIT, _INIT_ACK, _SACK, _FORWARD_TSN = 0, 1, 2, 3, 192
_RECONFIG = 130  # RFC 6525, section 3.1


class Chunk(NamedTuple):
    """One part of a packet, without its header."""

    kind: int
    body: bytes


class AssociationGuard:
    """Stands before one association.

    Attributes:
        refused: packets that went no further, or that aiortc could not take.
    """

    def __init__(self, association: RTCSctpTransport) -> None:
        self.refused = 0
        self._association = association
        self._take = association._handle_data  # noqa: SLF001  aiortc has no public place for this
        vars(association)["_handle_data"] = self.take

    async def take(self, packet: bytes) -> None:
        """Take a packet; raises ConnectionError when the connection ends meanwhile."""
        try:
            chunks = read_chunks(packet)
        except ValueError:
            self.refused += 1
            return
        if not self._has_room_for(chunks):
            self.refused += 1
            return
        try:
            await self._take(packet)
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001  many kinds; raised into aiortc they end the connection
            self.refused += 1

    def _has_room_for(self, chunks: list[Chunk]) -> bool:
        data = [each.body for each in chunks if each.kind == _DATA]
        skips = [each.body for each in chunks if each.kind == _FORWARD_TSN]
        if not data and not skips:
            return True
        # aiortc has no public place for these; it is pinned, and tests hold it.
        newest = self._association._last_received_tsn  # noqa: SLF001
        open_streams = self._association._inbound_streams  # noqa: SLF001
        streams = {body[4:6] for body in data}
        streams |= {body[at : at + 2] for body in skips for at in range(4, len(body), 4)}
        held = sum(len(stream.reassembly) for stream in open_streams.values())
        # What cannot be acknowledged, since the association was begun anew, would be kept for ever.
        unacknowledged = max(
            len(self._association._sack_misordered),  # noqa: SLF001
            len(self._association._sack_duplicates),  # noqa: SLF001
        )
        return (
            newest is not None  # before there is an association nothing can be numbered
            and len(open_streams.keys() | {int.from_bytes(each, "big") for each in streams})
            <= _MOST_STREAMS
            and held + len(data) <= _MOST_HELD
            and unacknowledged <= _MOST_AHEAD
            and all(_is_near(int.from_bytes(body[:4], "big"), newest) for body in data)
        )


def read_chunks(packet: bytes) -> list[Chunk]:
    """Return the chunks of a packet.

    Raises:
        ValueError: one is cut off, or does not hold what its kind must.
    """
    chunks = [Chunk(*each) for each in _records(packet[_HEADER_BYTES:], kind_bytes=1)]
    if any(each.kind == _INIT for each in chunks) and len(chunks) > 1:
        raise ValueError("a chunk beside INIT")  # section 6.10
    for kind, body in chunks:
        if (is_sound := _RULES.get(kind)) is not None and not is_sound(body):
            raise ValueError(f"a chunk of kind {kind} that cannot be read")
    return chunks


def _records(data: bytes, kind_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Yield kind and body of chunks or parameters; both have a header of four bytes."""
    at = 0
    while at < len(data):
        if at + 4 > len(data):
            raise ValueError("cut off in a header")
        kind = int.from_bytes(data[at : at + kind_bytes], "big")
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 4 or at + length > len(data):
            raise ValueError(f"a length of {length}")
        yield kind, data[at + 4 : at + length]
        at += length + -length % 4


def _has_sound_parameters(data: bytes) -> bool:
    try:
        list(_records(data, kind_bytes=2))
    except ValueError:
        return False
    return True


def _is_sound_reconfiguration(data: bytes) -> bool:
    try:
        parameters = list(_records(data, kind_bytes=2))
    except ValueError:
        return False
    return all(
        _RECONFIG_RULES[kind](len(body)) for kind, body in parameters if kind in _RECONFIG_RULES
    )


def _is_sound_sack(body: bytes) -> bool:
    """Section 3.3.4: gaps are in order, and each ends behind its start."""
    if len(body) < 12:
        return False
    gaps, duplicates = struct.unpack_from("!HH", body, 8)
    if len(body) != 12 + 4 * (gaps + duplicates):
        return False
    edges = struct.unpack_from(f"!{2 * gaps}H", body, 12)
    return list(edges) == sorted(edges) and all(edge <= _MOST_GAP for edge in edges)


def _is_near(number: int, newest: int) -> bool:
    """Whether it came before, or follows closely; transmission sequence numbers wrap."""
    ahead = (number - newest) % (1 << 32)
    return ahead <= _MOST_AHEAD or ahead >= 1 << 31


_RULES: dict[int, Callable[[bytes], bool]] = {
    _DATA: lambda body: len(body) > 12,
    _INIT: lambda body: len(body) >= 16 and _has_sound_parameters(body[16:]),
    _INIT_ACK: lambda body: len(body) >= 16 and _has_sound_parameters(body[16:]),
    _SACK: _is_sound_sack,
    4: _has_sound_parameters,  # HEARTBEAT
    5: _has_sound_parameters,  # HEARTBEAT ACK
    6: _has_sound_parameters,  # ABORT
    7: lambda body: len(body) == 4,  # SHUTDOWN
    9: _has_sound_parameters,  # ERROR
    _RECONFIG: _is_sound_reconfiguration,
    _FORWARD_TSN: lambda body: len(body) >= 4 and len(body) % 4 == 0,  # RFC 3758, section 3.2
}
# RFC 6525, sections 4.1, 4.4 and 4.5: how many bytes aiortc reads of each.
_RECONFIG_RULES: dict[int, Callable[[int], bool]] = {
    13: lambda length: length >= 12 and length % 2 == 0,
    16: lambda length: length >= 8,
    17: lambda length: length >= 8,
}
