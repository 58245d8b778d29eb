"""Which datagrams may reach aioice and aiortc: connectivity checks, and DTLS.

Anybody can send to a media port. aiortc ends a live connection over an empty datagram, or one of
1501 bytes, whoever sent it; aioice keeps everything that comes before the peer does, and raises
into the event loop for attributes of the wrong length: see tests/rtc/test_upstream.py.
"""

from __future__ import annotations

from typing import Any

from aioice import stun
from aioice.ice import StunProtocol
from aiortc import RTCDtlsTransport

_MOST_BYTES = 1500  # in one datagram; aiortc itself sends and reads no more at once
_MOST_WAITING = 64  # datagrams that aiortc has not read yet; a handshake has a dozen
_COMPONENT = 1  # RTP and RTCP share one (RFC 5761)
_MOST_ADDRESSES = 64  # of one peer; each that a peer claims to have is tried, and costs time


class Gate:
    """Stands between one socket and the transport that it belongs to.

    Attributes:
        refused: datagrams that went no further.
    """

    def __init__(self, transport: RTCDtlsTransport, socket: StunProtocol) -> None:
        """Hand what may pass to ``socket``, as it takes datagrams now."""
        self.refused = 0
        self._transport = transport
        # aiortc has no public place for this; it is pinned, and tests hold it.
        self._connection = transport.transport._connection  # noqa: SLF001
        self._socket = socket
        self._pass_on = socket.datagram_received
        # What is there already came before our answer went out: it is nobody's.
        while not self._connection._queue.empty():  # noqa: SLF001  as above
            self._connection._queue.get_nowait()  # noqa: SLF001

    def take(self, data: bytes, address: Any) -> None:
        """Take a datagram that is no RTP: pass it on, or drop it without an answer or a word.

        RFC 7983, section 7, says by its first byte what it is. RTCP is dropped, too: what a peer
        reports about media concerns senders only, and the server sends none.
        """
        if not 0 < len(data) <= _MOST_BYTES:
            may_pass = False
        elif data[0] < 4:
            may_pass = self._may_check(data, address)
        else:
            may_pass = self._is_dtls(data, address) and self._has_room()
        if may_pass:
            try:
                self._pass_on(data, address)
            except Exception:  # noqa: BLE001  aioice raises many kinds for what lacks an attribute
                may_pass = False
        self.refused += not may_pass

    def _is_dtls(self, data: bytes, address: Any) -> bool:
        """Whether it is DTLS; of a stranger, only what a connection's keys protect.

        A peer whose address changes is a stranger until its next check. Before there are keys one
        forged message would end the handshake.
        """
        if not 20 <= data[0] < 64:
            return False
        is_protected = data[0] == 23 or data[0] >= 32  # RFC 6347, section 4.1; RFC 9147, section 4
        return self._candidate_at(address) is not None or (
            is_protected and self._transport.state == "connected"
        )

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
            return bool(known.component == _COMPONENT)  # aioice asserts it
        if message.transaction_id in self._socket.transactions:
            return True
        return (
            len(self._candidates) < _MOST_ADDRESSES
            and is_request
            and message.check_message_integrity(self._connection.local_password.encode())
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
