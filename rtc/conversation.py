"""What is said to one peer over its data channel, and what it says; others may listen."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable

from aiortc import RTCDataChannel

from rtc.channel import EmotionChannel
from rtc.clock import Clock
from rtc.config import SessionConfig
from rtc.feed import Feed
from rtc.inbox import Inbox, Verdict
from rtc.messages import CHANNEL_LABEL, Message, NoticeMessage, RefusalMessage
from rtc.observer import Observer
from rtc.reasons import Fault

_log = logging.getLogger(__name__)


class Conversation:
    """Of one session.

    Attributes:
        faults: how often the peer was told of which, by the code of the notice.
    """

    def __init__(
        self,
        observer: Observer,
        feed: Feed,
        config: SessionConfig,
        clock: Clock,
        end: Callable[[str], None],
    ) -> None:
        """Have ``observer`` answer settings; ``end`` is called with the reason when it is over."""
        self.faults: Counter[str] = Counter()
        self._observer = observer
        self._feed = feed
        self._config = config
        self._end = end
        self._inbox = Inbox(config.max_message_bytes, config.max_messages_per_s, clock)
        self._channel: EmotionChannel | None = None

    @property
    def is_open(self) -> bool:
        """Whether the peer has opened the channel."""
        return self._channel is not None

    @property
    def drops(self) -> int:
        """How many messages could not be sent."""
        return self._channel.drops if self._channel else 0

    def open(self, channel: RTCDataChannel) -> None:
        """Take a channel that the peer has opened, if it is the first with the right label."""
        if channel.label == CHANNEL_LABEL and self._channel is None:
            self._channel = EmotionChannel(channel, self._config.max_buffered_bytes)
            channel.on("message", self._on_message)
            channel.on("close", lambda: self._end("its peer left"))

    def tell(self, message: Message) -> None:
        """Tell the peer, and those who watch."""
        self._feed.put(message)
        self._send(message)

    def report(self, fault: Fault, text: str) -> None:
        """Count a fault, log it, and tell the peer."""
        self.faults[fault] += 1
        _log.info("fault", extra={"fault": fault})
        self.tell(NoticeMessage(code=fault, text=text))

    def _send(self, message: Message) -> None:
        """Send, unless nobody listens or listens too slowly."""
        if self._channel is not None:
            self._channel.send(message)

    def _on_message(self, received: str | bytes) -> None:
        try:
            self._answer(received, self._inbox.judge(received))
        except Exception:  # noqa: BLE001  raised into aiortc it would end the connection
            _log.exception("a message could not be answered")

    def _answer(self, received: str | bytes, verdict: Verdict) -> None:
        config = self._config
        if verdict is Verdict.READ:
            self._send(self._observer.answer(received))
        elif verdict is Verdict.TOO_LONG:
            reason = f"a message has at most {config.max_message_bytes} bytes"
            self._send(RefusalMessage(id=None, reason=reason))
        elif verdict is Verdict.FIRST_TOO_MANY:
            text = f"More than {config.max_messages_per_s} messages came in a second; "
            self.report("too-many-messages", text + "the others are not read.")
        elif verdict is Verdict.FLOOD:
            why = "far too many messages came"
            self.tell(NoticeMessage(code="over", text=f"The server ends this session: {why}."))
            self._end(why)
