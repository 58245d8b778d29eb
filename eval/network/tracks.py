"""A clip as a camera and a microphone would give it: raw, so that its sender encodes it.

Unlike media that was encoded before, this can answer a request for a key frame.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.video.frame import PictureType

from eval.bench.media import MediaShape, decode

_SOUND_RATE_HZ = 48_000
_PACKET_SAMPLES = _SOUND_RATE_HZ // 50  # what aiortc's encoder takes at once


@dataclass(frozen=True)
class RawMedia:
    """A clip in memory.

    Attributes:
        pictures: yuv420p.
        frame_rate_hz: of the pictures.
        sound: int16 mono at 48 kHz, shape (n,).
    """

    pictures: tuple[av.VideoFrame, ...]
    frame_rate_hz: int
    sound: npt.NDArray[np.int16]


def raw_media(clip: Path, shape: MediaShape, seconds: float = 8.0) -> RawMedia:
    """Decode the first seconds of a recording with a face and a voice.

    Raises:
        rtc.recording.RecordingError: it cannot be decoded, or lacks sound or pictures.
    """
    pictures, sound = decode(clip, shape, seconds)
    return RawMedia(tuple(pictures), shape.frame_rate_hz, sound)


class _Track(MediaStreamTrack):
    """Plays round and round, each piece when it is due.

    Attributes:
        began_at_s: when the first piece was due, on the monotonic clock; None before.
    """

    def __init__(self, interval_s: Fraction) -> None:
        super().__init__()
        self.began_at_s: float | None = None
        self._interval_s = interval_s
        self._given = 0

    async def _next(self) -> int:
        """Wait until the next piece is due; return its number."""
        if self.began_at_s is None:
            self.began_at_s = time.monotonic()
        due_s = self.began_at_s + float(self._given * self._interval_s)
        await asyncio.sleep(due_s - time.monotonic())
        if self.readyState != "live":
            raise MediaStreamError
        self._given += 1
        return self._given - 1


class RawPictures(_Track):
    """The pictures."""

    kind = "video"

    def __init__(self, media: RawMedia) -> None:
        super().__init__(Fraction(1, media.frame_rate_hz))
        self._pictures = media.pictures

    async def recv(self) -> av.VideoFrame:
        """Return the next picture at its time."""
        number = await self._next()
        picture = self._pictures[number % len(self._pictures)]
        picture.pts, picture.time_base = number, self._interval_s
        # Where a key frame was asked for, it was marked as one, and would be one in each round.
        picture.pict_type = PictureType.NONE
        return picture


class RawSound(_Track):
    """The sound."""

    kind = "audio"

    def __init__(self, media: RawMedia) -> None:
        super().__init__(Fraction(_PACKET_SAMPLES, _SOUND_RATE_HZ))
        whole = len(media.sound) // _PACKET_SAMPLES * _PACKET_SAMPLES
        self._packets = media.sound[:whole].reshape(-1, 1, _PACKET_SAMPLES)

    async def recv(self) -> av.AudioFrame:
        """Return the next 20 ms when their first sample is due."""
        number = await self._next()
        piece = np.ascontiguousarray(self._packets[number % len(self._packets)])
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
        frame.sample_rate = _SOUND_RATE_HZ
        frame.pts, frame.time_base = number * _PACKET_SAMPLES, Fraction(1, _SOUND_RATE_HZ)
        return frame
