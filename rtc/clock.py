"""The one clock of capture times, passed in for the tests' sake, and what is captured by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]  # seconds that never run back


@dataclass(frozen=True)
class Capture:
    """When something was captured, as far as a server can know.

    Attributes:
        at: when it arrived, in the clock's seconds.
        media_time_s: where it lies in its track, counted from the track's first frame.
    """

    at: float
    media_time_s: float
