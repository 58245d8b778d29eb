"""Incoming sound: drained at media pace into a rolling window of the newest second."""

from __future__ import annotations

import av
import numpy as np
import numpy.typing as npt
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from models.voice.features import SAMPLE_RATE_HZ, WINDOW_SAMPLES
from rtc.clock import Clock

_FULL_SCALE = 32768  # of signed 16-bit samples


class RollingWindow:
    """The newest samples, float32 in [-1, 1], as a ring: adding copies each sample once.

    Invariant: ``_ring[_next]`` is the oldest sample once the ring has filled.
    """

    def __init__(self, length: int) -> None:
        self._ring = np.zeros(length, np.float32)
        self._next = 0
        self.filled = 0  # samples held
        self.added = 0  # samples ever added

    def add(self, samples: npt.NDArray[np.float32]) -> None:
        """Append samples, shape (n,); of more than the window holds the newest stay."""
        self.added += len(samples)
        samples = samples[-len(self._ring) :]
        until_end = min(len(samples), len(self._ring) - self._next)
        self._ring[self._next : self._next + until_end] = samples[:until_end]
        self._ring[: len(samples) - until_end] = samples[until_end:]
        self._next = (self._next + len(samples)) % len(self._ring)
        self.filled = min(len(self._ring), self.filled + len(samples))

    def newest(self, count: int) -> npt.NDArray[np.float32]:
        """Return a copy of the newest ``count`` samples, or of all held when they are fewer."""
        count = min(count, self.filled)
        indices = np.arange(self._next - count, self._next) % len(self._ring)
        samples: npt.NDArray[np.float32] = self._ring[indices]
        return samples


class AudioConsumer:
    """Turns whatever a peer sends into 16 kHz mono and keeps its newest second.

    Attributes:
        window: the sound.
        captured_at: when the newest sample arrived, in the clock's seconds, or None.
    """

    def __init__(self, track: MediaStreamTrack, clock: Clock) -> None:
        self.window = RollingWindow(WINDOW_SAMPLES)
        self.captured_at: float | None = None
        self._track = track
        self._clock = clock
        # In 16-bit samples the library's downmix of equal channels keeps their level; in
        # floating point it would raise it by 3 dB.
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)

    async def run(self) -> None:
        """Drain the track until it ends."""
        while True:
            try:
                frame = await self._track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, av.AudioFrame):
                for converted in self._resampler.resample(frame):
                    self.window.add(converted.to_ndarray()[0].astype(np.float32) / _FULL_SCALE)
                self.captured_at = self._clock()
