"""When those who are left at a replica that is to go have had their time."""

from __future__ import annotations

import time

from rtc.clock import Clock

_SILENT_AFTER_S = 3.0


class Drain:
    """Of one replica.

    Ray Serve's controller asks a replica for its health each second until the replica is to go,
    and says that in no other way. A controller that is away asks nobody, so that time is not
    counted: nobody is to be cut because it died.
    """

    def __init__(self, limit_s: float, clock: Clock = time.monotonic) -> None:
        self._limit_s = limit_s
        self._clock = clock
        self.asked()

    def asked(self) -> None:
        """Take down that somebody asked for our health: we stay."""
        self._left_s = self._limit_s
        self._asked_at = self._counted_at = self._clock()

    @property
    def may_go(self) -> bool:
        """Whether nobody has asked for so long that it is worth seeing why."""
        return self._clock() - self._asked_at > _SILENT_AFTER_S

    def count(self, *, is_controller_there: bool) -> None:
        """Count the time since the last call or question, if somebody was there who could ask."""
        now = self._clock()
        if is_controller_there:
            self._left_s -= now - self._counted_at
        self._counted_at = now

    @property
    def is_over(self) -> bool:
        """Whether all who are left are to be ended."""
        return self._left_s <= 0
