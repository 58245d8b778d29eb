"""How much a peer may say over its data channel: short messages, and not too many of them."""

from __future__ import annotations

from enum import Enum

from rtc.clock import Clock

_FLOOD = 10  # times the limit; each message costs time even if nobody reads it


class Verdict(Enum):
    """What is done with a message."""

    READ = "read"
    TOO_LONG = "too long"
    FIRST_TOO_MANY = "first too many"
    IGNORE = "ignore"
    FLOOD = "flood"


class Inbox:
    """Judges the messages of one peer, second by second."""

    def __init__(self, max_bytes: int, max_per_s: int, clock: Clock) -> None:
        self._max_bytes = max_bytes
        self._max_per_s = max_per_s
        self._clock = clock
        self._second = -1
        self._count = 0

    def judge(self, message: str | bytes) -> Verdict:
        """Return what to do with a message that comes now."""
        if (second := int(self._clock())) != self._second:
            self._second, self._count = second, 0
        self._count += 1
        if self._count > _FLOOD * self._max_per_s:
            return Verdict.FLOOD
        if self._count > self._max_per_s:
            is_first = self._count == self._max_per_s + 1
            return Verdict.FIRST_TOO_MANY if is_first else Verdict.IGNORE
        size = len(message) if isinstance(message, bytes) else len(message.encode())
        return Verdict.TOO_LONG if size > self._max_bytes else Verdict.READ
