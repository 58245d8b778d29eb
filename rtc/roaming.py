"""Follows a peer to another address, as when a NAT forgets it, without ICE beginning anew.

Media that decrypts shows that a peer sends from a new address, but not that it receives there:
whoever can read a packet on its way can send it on from an address of their own, and be faster.
So nothing goes there before it has answered a connectivity check, which takes the peer's password
(RFC 8445, section 7.2, and RFC 7675, section 5.1; RFC 9000, section 9, does the same for QUIC).
Browsers would nominate the new pair within seconds; aiortc's clients never do.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from typing import Any

import aioice
from aioice import stun
from aioice.candidate import candidate_priority
from aioice.ice import CandidatePair, StunProtocol

_COMPONENT = 1  # RTP and RTCP share one
_RETRANSMISSIONS = 1  # of a check, half a second after it; a second later the next one may begin


@dataclass(frozen=True)
class Origin:
    """Where a datagram came from, and to which socket of ours."""

    connection: aioice.Connection
    socket: StunProtocol
    address: tuple[str, int]


class Roaming:
    """Of one peer.

    Attributes:
        moves: how often it was followed.
    """

    def __init__(self) -> None:
        """Have ``run`` follow what ``heard`` is told."""
        self.moves = 0
        self._learned: aioice.Candidate | None = None
        self._newest: Origin | None = None  # None while it is the address that we send to
        self._is_elsewhere = asyncio.Event()

    def heard(
        self, connection: aioice.Connection, socket: StunProtocol, address: tuple[Any, ...]
    ) -> None:
        """Note where a packet came from that only the peer can have made, and for the first time.

        Args:
            connection: over which it came.
            socket: the one of ours.
            address: its sender's, of IPv6 with flow and scope.
        """
        # aioice has no public place for the pair that it sends over; it is pinned, and tests hold.
        selected = connection._nominated.get(_COMPONENT)  # noqa: SLF001
        if selected is None:
            return  # not connected yet, or not any more
        if selected.protocol is socket and selected.remote_addr == address[:2]:
            self._newest = None
            return
        self._newest = Origin(connection, socket, (address[0], address[1]))
        self._is_elsewhere.set()

    async def run(self) -> None:
        """Check addresses from which the peer is heard, one at a time, and send there from then."""
        while True:
            await self._is_elsewhere.wait()
            self._is_elsewhere.clear()
            origin = self._newest
            # A late packet from the old address may come in between; the next one sets it right.
            if origin is not None and await _answers(origin) and self._newest == origin:
                self._follow(origin)

    def _follow(self, origin: Origin) -> None:
        connection, pair = origin.connection, _pair(origin)
        nominated = connection._nominated  # noqa: SLF001  as above
        known = connection._remote_candidates  # noqa: SLF001  as above
        if not nominated:
            return  # closed meanwhile
        nominated[_COMPONENT] = pair
        self._newest = None  # packets that came during the check do not make it begin anew
        # One that was left is forgotten, so that they do not become more and more.
        known[:] = [each for each in known if each is not self._learned]
        known.append(pair.remote_candidate)
        self._learned = pair.remote_candidate
        self.moves += 1


async def _answers(origin: Origin) -> bool:
    """Ask whoever is there to prove that they are the peer."""
    connection = origin.connection
    if connection.remote_password is None:
        return False
    with contextlib.suppress(stun.TransactionError):
        _, address = await origin.socket.request(
            connection.build_request(_pair(origin), nominate=False),
            origin.address,
            integrity_key=connection.remote_password.encode(),
            retransmissions=_RETRANSMISSIONS,
        )
        return address == origin.address
    return False


def _pair(origin: Origin) -> CandidatePair:
    """Return the pair with a peer-reflexive candidate (RFC 8445, section 7.3.1.3)."""
    host, port = origin.address
    candidate = aioice.Candidate(
        foundation=secrets.token_hex(5),
        component=_COMPONENT,
        transport="udp",
        priority=candidate_priority(_COMPONENT, "prflx"),
        host=host,
        port=port,
        type="prflx",
    )
    return CandidatePair(origin.socket, candidate)
