"""When to look: at a steady rate, and each time just after a picture came."""

from __future__ import annotations

import math

_FRESH_S = 0.03  # a picture that came no longer ago is as good as one that comes now
_PATIENCE_S = 0.095  # so that one is fresh or comes in time wherever eight or more come a second
_STREAM_GAP_S = 0.5  # where none came for longer, none is waited for
_EDGE_S = 0.015  # a picture that comes this near to either end of the time might soon be beyond it
_NUDGE_S = 0.01  # as far as a camera's pictures come early or late


class Rhythm:
    """The ticks of one session. Pure: times are passed in, in seconds of any one clock.

    A picture is up to a frame interval old when a tick comes, which is most of the delay that a
    person sees. So a tick waits a little for the next one. Where pictures come at a rate that the
    tick's is a part of, the grid is moved until each comes well within that time: at its edge,
    ticks would come now a picture earlier, now one later.
    """

    def __init__(self, interval_s: float, now: float) -> None:
        """Begin with a tick that is due ``interval_s`` from ``now``."""
        self._interval_s = interval_s
        self._due_at = now

    def next_due(self, now: float) -> float:
        """Return when the next tick is due. Missed ones are left out, not made up for."""
        missed = max(1, math.floor((now - self._due_at) / self._interval_s))
        self._due_at += missed * self._interval_s
        return self._due_at

    def patience_s(self, now: float, newest_at: float | None) -> float:
        """Return how long a tick that is due is to wait for a picture; 0 for not at all."""
        if newest_at is None or now - newest_at > _STREAM_GAP_S:
            return 0.0
        age_s = now - newest_at
        if age_s > _FRESH_S:
            return _PATIENCE_S
        if age_s > _FRESH_S - _EDGE_S:
            self._due_at -= _NUDGE_S
        return 0.0

    def came_after(self, waited_s: float) -> None:
        """Take note that the picture waited for came after so long."""
        if waited_s > _PATIENCE_S - _EDGE_S:
            self._due_at += _NUDGE_S
