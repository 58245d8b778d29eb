"""Incoming pictures: only the newest is looked at, and decoded when it is."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import av
import numpy as np
import numpy.typing as npt
from aiortc import RTCRtpCodecParameters
from aiortc.codecs import get_decoder
from aiortc.codecs.base import Decoder
from aiortc.jitterbuffer import JitterFrame

from rtc.assembly import MOST_PIXELS, EncodedPicture
from rtc.clock import Capture, Clock
from rtc.rtp import MediaClock

_MOST_PENDING = 150  # pictures: five seconds or more; in that time somebody asks, or nobody will
_LONGEST_SIDE = 640  # pixels; a larger picture costs time and shows the networks nothing more

Picture = tuple[npt.NDArray[np.uint8], Capture]
"""Uint8 RGB, (height, width, 3), and when it was captured."""


class UndecodableError(ValueError):
    """What a peer sent is no picture, for which nobody but the peer can do anything."""


class LatestFrame:
    """A picture that is yet to be decoded.

    Attributes:
        capture: of what ``rgb`` has returned; before, of the newest when it was taken.
    """

    def __init__(self, decode: Callable[[], Picture], capture: Capture) -> None:
        self.capture = capture
        self._decode = decode
        self._rgb: npt.NDArray[np.uint8] | None = None

    def rgb(self) -> npt.NDArray[np.uint8]:
        """Return the picture, which takes milliseconds the first time: not on the event loop.

        Raises:
            UndecodableError: it is damaged.
        """
        if self._rgb is None:
            self._rgb, self.capture = self._decode()
        return self._rgb


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
        self._newest = LatestFrame(lambda: (rgb_of(frame), capture), capture)

    def take(self) -> LatestFrame | None:
        """Return the newest picture and empty the slot; None when no new one came."""
        newest, self._newest = self._newest, None
        return newest


class PictureReceiver:
    """The newest picture of a stream of encoded ones, of which none is decoded before it is asked.

    Each needs those before it, so they are kept until then and decoded together, in the inference
    thread: a person costs one wake-up a tick instead of one a picture. Those that come while the
    thread is busy with others are decoded, too, so that waiting makes no picture old.

    Invariant: the event loop appends to ``_pending``, or clears it; the inference thread takes
    from its front. One call of either is atomic.

    Attributes:
        captured_at: when the newest picture arrived, in the clock's seconds, or None.
        count: pictures decoded.
    """

    def __init__(self, clock: Clock) -> None:
        self.captured_at: float | None = None
        self.count = 0
        self._clock = clock
        self._media_clock = MediaClock()
        self._pending: deque[tuple[EncodedPicture, Capture]] = deque()
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
        media_time_s = self._media_clock.ticks(picture.timestamp) / picture.codec.clockRate
        if self._is_damaged or len(self._pending) >= _MOST_PENDING:
            self._is_damaged = False
            self._pending.clear()
            return False
        self._pending.append((picture, Capture(self.captured_at, media_time_s)))
        return True

    def begin_anew(self) -> None:
        """Decode what comes from now on with another decoder.

        What is decoded meanwhile may go into it: to go on with, wait until nothing is.
        """
        self._decoder = None
        self._is_damaged = False
        self._pending.clear()

    async def arrival(self) -> None:
        """Wait until the next picture has come."""
        self._has_come.clear()
        await self._has_come.wait()

    def take(self) -> LatestFrame | None:
        """Return the newest picture, to be decoded; None when no new one came."""
        if not self._pending or self.captured_at is None or self._is_damaged:
            return None
        return LatestFrame(self._decoded, self._pending[-1][1])

    def _decoded(self) -> Picture:
        newest: tuple[av.VideoFrame, Capture] | None = None
        # Only those that are there now: who sends faster than is decoded would never let it end.
        for _ in range(len(self._pending)):
            taken = self._taken()
            if taken is None:
                break
            picture, capture = taken
            decoder = self._decoder  # the event loop may drop it meanwhile
            if decoder is None or picture.codec != self._codec:
                decoder = _decoder_for(picture.codec)
                self._codec, self._decoder = picture.codec, decoder
            try:
                frames = decoder.decode(JitterFrame(picture.data, picture.timestamp))
            except av.FFmpegError:
                self._is_damaged = True
                break  # those behind would decode, but into smears
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    newest = frame, capture
                    self.count += 1
        if newest is None:
            raise UndecodableError("none of the newest pictures can be decoded")
        frame, capture = newest
        return rgb_of(frame), capture

    def _taken(self) -> tuple[EncodedPicture, Capture] | None:
        try:
            return self._pending.popleft()
        except IndexError:
            return None


def _decoder_for(codec: RTCRtpCodecParameters) -> Decoder:
    decoder = get_decoder(codec)
    # FFmpeg refuses what has more before it reserves memory; libvpx is spared it by the assembly.
    context: av.CodecContext = vars(decoder)["codec"]  # of both kinds, but not of their base
    context.options = {"max_pixels": str(MOST_PIXELS)}
    context.thread_count = 1  # else each person has a thread for every processor core
    return decoder


def rgb_of(frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
    """Convert a picture to uint8 RGB, upright, (height, width, 3), at most 640 pixels a side."""
    shrink = min(1.0, _LONGEST_SIDE / max(frame.width, frame.height))
    converted = frame.reformat(
        width=max(1, round(frame.width * shrink)),
        height=max(1, round(frame.height * shrink)),
        format="rgb24",
        threads=1,  # else each picture would start and end one for every processor core
    )
    # A camera held sideways may write how to turn its pictures instead of turning them.
    quarter_turns = round(frame.rotation / 90)
    return np.ascontiguousarray(np.rot90(converted.to_ndarray(), quarter_turns), np.uint8)
