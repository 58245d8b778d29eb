"""Incoming pictures: only the newest is looked at, and decoded when it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import av
import numpy as np
import numpy.typing as npt
from aiortc import RTCRtpCodecParameters
from aiortc.codecs import get_decoder
from aiortc.codecs.base import Decoder
from aiortc.jitterbuffer import JitterFrame

from rtc.assembly import EncodedPicture
from rtc.clock import Capture, Clock
from rtc.rtp import MediaClock

_MOST_PENDING = 150  # pictures: five seconds at most; in that time somebody asks, or nobody will
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
    """

    def __init__(self, clock: Clock) -> None:
        self.captured_at: float | None = None
        self._clock = clock
        self._newest: LatestFrame | None = None

    @property
    def waiting(self) -> bool:
        """Whether a picture came that nobody has taken."""
        return self._newest is not None

    def put(self, frame: av.VideoFrame) -> None:
        """Take a picture that arrives now."""
        self.captured_at = self._clock()
        capture = Capture(self.captured_at, frame.time or 0.0)
        self._newest = LatestFrame(partial(rgb_of, frame), capture)

    def take(self) -> LatestFrame | None:
        """Return the newest picture and empty the slot; None when no new one came."""
        newest, self._newest = self._newest, None
        return newest


class PictureReceiver:
    """The newest picture of a stream of encoded ones, of which none is decoded before it is asked.

    Each needs those before it, so they are kept until then and decoded together, in the inference
    thread: a person costs one wake-up a tick instead of one a picture.

    Attributes:
        captured_at: when the newest picture arrived, in the clock's seconds, or None.
        count: pictures decoded.
    """

    def __init__(self, clock: Clock) -> None:
        self.captured_at: float | None = None
        self.count = 0
        self._clock = clock
        self._media_clock = MediaClock()
        self._media_time_s = 0.0
        self._pending: list[EncodedPicture] = []
        self._codec: RTCRtpCodecParameters | None = None
        self._decoder: Decoder | None = None
        self._is_damaged = False  # set by the inference thread, cleared by the event loop
        self._has_come = asyncio.Event()

    @property
    def waiting(self) -> bool:
        """Whether a picture came that nobody has taken."""
        return bool(self._pending)

    def put_encoded(self, picture: EncodedPicture) -> bool:
        """Take a whole picture that arrives now; False where the stream must begin anew.

        That is so when what came before could not be decoded, or nobody has asked for too long.
        """
        self.captured_at = self._clock()
        self._has_come.set()
        self._media_time_s = self._media_clock.ticks(picture.timestamp) / picture.codec.clockRate
        if self._is_damaged or len(self._pending) >= _MOST_PENDING:
            self._is_damaged = False
            self._pending.clear()
            return False
        self._pending.append(picture)
        return True

    async def arrival(self) -> None:
        """Wait until the next picture has come."""
        self._has_come.clear()
        await self._has_come.wait()

    def take(self) -> LatestFrame | None:
        """Return the newest picture, to be decoded; None when no new one came."""
        if not self._pending or self.captured_at is None or self._is_damaged:
            return None
        pending, self._pending = self._pending, []
        capture = Capture(self.captured_at, self._media_time_s)
        return LatestFrame(cache(partial(self._decoded, pending)), capture)

    def _decoded(self, pending: list[EncodedPicture]) -> npt.NDArray[np.uint8]:
        newest: av.VideoFrame | None = None
        for picture in pending:
            if self._decoder is None or picture.codec != self._codec:
                self._codec, self._decoder = picture.codec, get_decoder(picture.codec)
            try:
                frames = self._decoder.decode(JitterFrame(picture.data, picture.timestamp))
            except av.FFmpegError:
                self._is_damaged = True
                break  # those behind would decode, but into smears
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    newest = frame
                    self.count += 1
        if newest is None:
            raise ValueError("none of the newest pictures can be decoded")
        return rgb_of(newest)


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
