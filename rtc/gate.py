"""Which datagrams may reach aioice and aiortc: connectivity checks, and DTLS.

Anybody can send to a media port. aiortc ends a live connection over an empty datagram, or one of
1501 bytes, whoever sent it, and reads one record of a datagram that may have more; aioice keeps
everything that comes before the peer does, and raises into the event loop for attributes of the
wrong length: see tests/rtc/test_upstream_datagrams.py.
"""

from __future__ import annotations

import time
from typing import Any

from aioice import stun
from aioice.ice import StunProtocol
from aiortc import RTCDtlsTransport

from rtc.clock import Clock

_MOST_BYTES = 1500  # in one datagram; aiortc itself sends and reads no more at once
_MOST_WAITING = 64  # datagrams that aiortc has not read yet; a handshake has a dozen
_COMPONENT = 1  # RTP and RTCP share one (RFC 5761)
_MOST_PER_S = 500  # checks and records of a peer; each takes some 100 us of the event loop
_MOST_STRANGE_PER_S = 50  # of those whose address is new
_MOST_RECORDS = 16  # of DTLS in one datagram; a whole flight of a handshake has fewer
_RECORD_HEADER_BYTES = 13  # RFC 6347, section 4.1
_MOST_ADDRESSES = 64  # of one peer; each that a peer claims to have is tried, and costs time


class Gate:
    """Stands between one socket and the transport that it belongs to.

    Attributes:
        refused: datagrams that went no further.
    """

    def __init__(
        self, transport: RTCDtlsTransport, socket: StunProtocol, clock: Clock = time.monotonic
    ) -> None:
        """Hand what may pass to ``socket``, as it takes datagrams now."""
        self.refused = 0
        self._transport = transport
        # aiortc has no public place for this; it is pinned, and tests hold it.
        self._connection = transport.transport._connection  # noqa: SLF001
        self._socket = socket
        self._pass_on = socket.datagram_received
        self._clock = clock
        self._second = 0
        self._count = self._strange = 0  # datagrams in this second, and those of new addresses
        # What is there already came before our answer went out: it is nobody's.
        while not self._connection._queue.empty():  # noqa: SLF001  as above
            self._connection._queue.get_nowait()  # noqa: SLF001

    def take(self, data: bytes, address: Any) -> None:
        """Take a datagram that is no RTP: pass it on, or drop it without an answer or a word.

        RFC 7983, section 7, says by its first byte what it is. RTCP is dropped, too: what a peer
        reports about media concerns senders only, and the server sends none.
        """
        passed = False
        if 0 < len(data) <= _MOST_BYTES:
            if data[0] < 4:
                passed = self._may_check(data, address) and self._try(data, address)
            elif 20 <= data[0] < 64:
                passed = self._take_dtls(data, address)
        self.refused += not passed

    def _take_dtls(self, data: bytes, address: Any) -> bool:
        is_known = self._candidate_at(address) is not None
        return self._may_be_dtls(data, is_known=is_known) and all(
            self._is_in_time(is_known=is_known) and self._has_room() and self._try(record, address)
            for record in _records(data)
        )

    def _try(self, data: bytes, address: Any) -> bool:
        try:
            self._pass_on(data, address)
        except Exception:  # noqa: BLE001  aioice raises many kinds for what lacks an attribute
            return False
        return True

    def _may_be_dtls(self, data: bytes, *, is_known: bool) -> bool:
        """Whether somebody may send it; a stranger, only what a connection's keys protect.

        A peer whose address changes is a stranger until its next check. Before there are keys one
        forged message would end the handshake.
        """
        is_protected = data[0] == 23 or data[0] >= 32  # RFC 6347, section 4.1; RFC 9147, section 4
        return is_known or (is_protected and self._transport.state == "connected")

    def _is_in_time(self, *, is_known: bool) -> bool:
        if (second := int(self._clock())) != self._second:
            self._second, self._count, self._strange = second, 0, 0
        self._count += 1
        self._strange += not is_known
        return self._count <= _MOST_PER_S and (is_known or self._strange <= _MOST_STRANGE_PER_S)

    def _may_check(self, data: bytes, address: Any) -> bool:
        """Whether it is a connectivity check; of a stranger, with the right credentials.

        Strangers get no answer then (RFC 8489, section 9.1.3, would give them one of 401), so
        that the server answers to no forged address.
        """
        try:
            message = stun.parse_message(data)
        except Exception:  # noqa: BLE001  struct.error besides ValueError
            return False
        is_request = message.message_class is stun.Class.REQUEST
        if is_request and "PRIORITY" not in message.attributes:
            return False  # without it, aioice fails where nobody hears of it
        known = self._candidate_at(address)
        if known is not None:
            # aioice asserts the component.
            return bool(known.component == _COMPONENT) and self._is_in_time(is_known=True)
        if message.transaction_id in self._socket.transactions:
            return True
        return (
            len(self._candidates) < _MOST_ADDRESSES
            and is_request
            and message.check_message_integrity(self._connection.local_password.encode())
            and self._is_in_time(is_known=False)
        )

    def _candidate_at(self, address: Any) -> Any:
        return next(
            (
                each
                for each in self._candidates
                if each.port == address[1] and each._network_host == address[0]  # noqa: SLF001  as above
            ),
            None,
        )

    def _has_room(self) -> bool:
        return self._connection._queue.qsize() < _MOST_WAITING  # noqa: SLF001  as above

    @property
    def _candidates(self) -> list[Any]:
        # The public place makes a copy.
        return self._connection._remote_candidates  # noqa: SLF001


def _records(data: bytes) -> list[bytes]:
    """Return the records of a datagram, each by itself: aiortc reads one, and keeps the rest.

    Of DTLS 1.3 (RFC 9147, section 4), whose records need not say where they end, the whole.
    """
    if data[0] >= 32:
        return [data]
    records: list[bytes] = []
    while len(data) >= _RECORD_HEADER_BYTES and len(records) < _MOST_RECORDS:
        end = _RECORD_HEADER_BYTES + int.from_bytes(data[11:13], "big")
        if end > len(data):
            break
        records.append(data[:end])
        data = data[end:]
    return records
