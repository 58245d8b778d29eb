"""The way out: messages and answers over the data channel, sent or dropped, never queued."""

from __future__ import annotations

import time

from aiortc import RTCDataChannel, RTCSctpTransport

from rtc.clock import Clock
from rtc.messages import EmotionMessage, Message

_ACKNOWLEDGED_S = 0.3  # a round trip, and the 200 ms that a peer may take (RFC 9260, section 6.2)
# After a loss one packet may be on its way, and more and more again (RFC 9260, section 7.2.3). Two
# a second crowd nobody out, and of those that wait for room none is worth it.
_LEAST_WINDOW_BYTES = 9_000


class EmotionChannel:
    """Sends messages to one peer.

    Attributes:
        drops: messages not sent because the peer did not take the ones before, or never takes
            any as large.
    """

    def __init__(
        self, channel: RTCDataChannel, max_buffered_bytes: int, clock: Clock = time.monotonic
    ) -> None:
        self.drops = 0
        self._channel = channel
        self._max_buffered_bytes = max_buffered_bytes
        self._clock = clock
        self._sent_at = clock()

    def send(self, message: Message) -> None:
        """Send, unless the channel is not open or holds too much already.

        A result is sent twice while the peer has not acknowledged what was sent before: packets
        seem to be lost, and none is sent again. Its sequence number tells the copies.
        """
        if self._channel.readyState != "open":
            return
        if self._channel.bufferedAmount > self._max_buffered_bytes:
            self.drops += 1
            return
        now, association = self._clock(), self._channel.transport
        is_unsure = now - self._sent_at > _ACKNOWLEDGED_S and _is_behind(association)
        self._sent_at = now
        _widen(association)
        try:
            for _ in range(2 if is_unsure and isinstance(message, EmotionMessage) else 1):
                self._channel.send(message.to_json())
        except ValueError:  # larger than the peer's offer says that it takes
            self.drops += 1


def _is_behind(association: RTCSctpTransport) -> bool:
    """Whether the peer has not acknowledged all that was sent."""
    # aiortc has no public place for these; it is pinned, and tests hold it.
    newest = (association._local_tsn - 1) % (1 << 32)  # noqa: SLF001
    return bool(association._last_sacked_tsn != newest)  # noqa: SLF001


def _widen(association: RTCSctpTransport) -> None:
    association._cwnd = max(association._cwnd, _LEAST_WINDOW_BYTES)  # noqa: SLF001  as above
