"""Incoming pictures: drained at media pace; only the newest is kept, in one slot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import av
import numpy as np
import numpy.typing as npt
from aiortc import MediaStreamTrack

from rtc.clock import Capture, Clock
from rtc.tracks import frames_of

_LONGEST_SIDE = 640  # pixels; a larger picture costs time and shows the networks nothing more


@dataclass(frozen=True)
class LatestFrame:
    """A decoded picture. ``rgb`` converts it, which takes milliseconds: not on the event loop."""

    rgb: Callable[[], npt.NDArray[np.uint8]]
    capture: Capture


class NewestPicture:
    """One slot: a picture that nobody asked for in time gives way to the next.

    Attributes:
        captured_at: when the newest picture arrived, in the clock's seconds, or None.
        count: pictures that arrived.
    """

    def __init__(self, clock: Clock) -> None:
        self.captured_at: float | None = None
        self.count = 0
        self._clock = clock
        self._newest: LatestFrame | None = None

    @property
    def waiting(self) -> bool:
        """Whether a picture came that nobody has taken."""
        return self._newest is not None

    def put(self, frame: av.VideoFrame) -> None:
        """Take a picture that arrives now."""
        self.captured_at = self._clock()
        self.count += 1
        capture = Capture(self.captured_at, frame.time or 0.0)
        self._newest = LatestFrame(partial(rgb_of, frame), capture)

    def take(self) -> LatestFrame | None:
        """Return the newest picture and empty the slot; None when no new one came."""
        newest, self._newest = self._newest, None
        return newest


class FrameSampler(NewestPicture):
    """The newest picture of a track, drained at media pace."""

    def __init__(self, track: MediaStreamTrack, clock: Clock) -> None:
        super().__init__(clock)
        self._track = track

    async def run(self) -> None:
        """Drain the track until it ends."""
        async for frame in frames_of(self._track):
            if isinstance(frame, av.VideoFrame):
                self.put(frame)


def rgb_of(frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
    """Convert a picture to uint8 RGB, upright, (height, width, 3), at most 640 pixels a side."""
    shrink = min(1.0, _LONGEST_SIDE / max(frame.width, frame.height))
    converted = frame.reformat(
        width=max(1, round(frame.width * shrink)),
        height=max(1, round(frame.height * shrink)),
        format="rgb24",
    )
    # A camera held sideways may write how to turn its pictures instead of turning them.
    quarter_turns = round(frame.rotation / 90)
    return np.ascontiguousarray(np.rot90(converted.to_ndarray(), quarter_turns), np.uint8)
