"""When to ask a sender again: for packets that did not come, and for a key frame where that fails.

Senders answer both: RFC 4585, sections 6.2.1 (NACK) and 6.3.1 (PLI), RFC 4588 (retransmission).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Not after a round trip: over a long and lossy line a picture would come too late, or not at all,
# before a packet of it was asked for often enough. Some packets come twice for it.
_INTERVAL_S = 0.05
_MOST_TIMES = 10  # one packet is asked for; where a third is lost, one in a thousand still lacks
_FIRST_KEY_PATIENCE_S = 0.3  # a key frame is on its way when a stream begins
_KEY_INTERVAL_S = 0.6  # it takes several packets, and they may have to be asked for


@dataclass(frozen=True)
class _Asked:
    """What was asked for: when it is to be again, and how often it was."""

    again_at: float
    times: int


class Repair:
    """Of one stream of pictures; times in seconds of one clock."""

    def __init__(self) -> None:
        self._asked: dict[int, _Asked] = {}
        self._key_wanted_since: float | None = None
        self._key_asked_at: float | None = None
        self._had_key = False

    @property
    def due_at(self) -> float | None:
        """When a packet is to be asked for again, should it not come; None for never."""
        asked = self._asked.values()
        return min((each.again_at for each in asked if each.times < _MOST_TIMES), default=None)

    def numbers(self, missing: Sequence[int], now: float) -> list[int]:
        """Return for which of the missing packets to ask now, and take them for asked for."""
        if not missing:
            self._asked.clear()
            return []
        self._asked = {number: self._asked[number] for number in missing if number in self._asked}
        due = [number for number in missing if self._is_due(number, now)]
        for number in due:
            times = self._asked[number].times if number in self._asked else 0
            self._asked[number] = _Asked(now + _INTERVAL_S, times + 1)
        return due

    def wants_key(self, now: float, *, needs_key: bool) -> bool:
        """Say whether to ask for a key frame now, and take it for asked for.

        Args:
            now: the time.
            needs_key: whether nothing can be decoded without one.
        """
        if not needs_key:
            self._had_key, self._key_wanted_since = True, None
            return False
        if self._key_wanted_since is None:
            self._key_wanted_since = now
        patience_s = 0.0 if self._had_key else _FIRST_KEY_PATIENCE_S
        if now - self._key_wanted_since < patience_s:
            return False
        if self._key_asked_at is not None and now - self._key_asked_at < _KEY_INTERVAL_S:
            return False
        self._key_asked_at = now
        return True

    def _is_due(self, number: int, now: float) -> bool:
        asked = self._asked.get(number)
        return asked is None or (asked.times < _MOST_TIMES and now >= asked.again_at)
