"""The way out: messages and answers over the data channel, sent or dropped, never queued."""

from __future__ import annotations

from aiortc import RTCDataChannel

from rtc.messages import Message


class EmotionChannel:
    """Sends messages to one peer.

    Attributes:
        drops: messages not sent because the peer did not take the ones before, or never takes
            any as large.
    """

    def __init__(self, channel: RTCDataChannel, max_buffered_bytes: int) -> None:
        self.drops = 0
        self._channel = channel
        self._max_buffered_bytes = max_buffered_bytes

    def send(self, message: Message) -> None:
        """Send, unless the channel is not open or holds too much already."""
        if self._channel.readyState != "open":
            return
        if self._channel.bufferedAmount > self._max_buffered_bytes:
            self.drops += 1
            return
        try:
            self._channel.send(message.to_json())
        except ValueError:  # larger than the peer's offer says that it takes
            self.drops += 1
