"""Incoming sound: decoded as it comes into a rolling window of the newest second."""

from __future__ import annotations

import av
import numpy as np
import numpy.typing as npt
from aiortc import RTCRtpCodecParameters
from aiortc.codecs import depayload, get_decoder
from aiortc.codecs.base import Decoder
from aiortc.jitterbuffer import JitterFrame

from models.voice.features import SAMPLE_RATE_HZ, WINDOW_SAMPLES, rms
from rtc.clock import Clock
from rtc.rtp import MediaClock, RtpPacket

_FULL_SCALE = 32768  # of signed 16-bit samples
_LONGEST_GAP_S = 0.5  # after a longer one the sound before it is no longer "the newest second"


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

    def clear(self) -> None:
        """Forget all samples held."""
        self.filled = 0


class NewestSound:
    """Turns sound of any kind, frame by frame, into 16 kHz mono and keeps its newest second.

    Attributes:
        window: the sound; one that is given may be longer than the second that live sessions keep.
        captured_at: when the newest sample arrived, in the clock's seconds, or None.
        media_time_s: where it lies in its track.
    """

    def __init__(self, clock: Clock, window: RollingWindow | None = None) -> None:
        self.window = window or RollingWindow(WINDOW_SAMPLES)
        self.captured_at: float | None = None
        self.media_time_s = 0.0
        self._clock = clock
        self._resampler = _resampler()

    def put(self, frame: av.AudioFrame) -> None:
        """Take a frame that arrives now; its rate, layout and sample format are free."""
        now = self._clock()
        if self.captured_at is not None and now - self.captured_at > _LONGEST_GAP_S:
            self.window.clear()
        for converted in self._converted(frame):
            self.window.add(converted.to_ndarray()[0].astype(np.float32) / _FULL_SCALE)
        self.captured_at = now
        self.media_time_s = (frame.time or 0.0) + frame.samples / frame.sample_rate

    def level(self, now: float) -> float:
        """Return the root mean square, in [0, 1], of the newest half second; 0 after a gap."""
        if self.captured_at is None or now - self.captured_at > _LONGEST_GAP_S:
            return 0.0
        return rms(self.window.newest(SAMPLE_RATE_HZ // 2))

    def _converted(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        try:
            return self._resampler.resample(frame)
        except ValueError:
            # A peer may change its codec, and with it rate and channels, at any packet.
            self._resampler = _resampler()
            return self._resampler.resample(frame)


class SoundReceiver(NewestSound):
    """The newest sound of a stream of packets.

    Attributes:
        packets: that arrived.
        damaged: those of them that could not be decoded.
    """

    def __init__(self, clock: Clock, window: RollingWindow | None = None) -> None:
        super().__init__(clock, window)
        self.packets = 0
        self.damaged = 0
        self._media_clock = MediaClock()
        self._codec: RTCRtpCodecParameters | None = None
        self._decoder: Decoder | None = None

    def put_packet(self, packet: RtpPacket, codec: RTCRtpCodecParameters) -> None:
        """Decode a packet, which takes a tenth of a millisecond; a damaged one is left out."""
        self.packets += 1
        if self._decoder is None or codec != self._codec:
            self._codec, self._decoder = codec, get_decoder(codec)
        ticks = self._media_clock.ticks(packet.timestamp)
        try:
            frames = self._decoder.decode(JitterFrame(depayload(codec, packet.payload), ticks))
        except (av.FFmpegError, ValueError):
            self.damaged += 1
            return
        for frame in frames:
            if isinstance(frame, av.AudioFrame):
                self.put(frame)


def _resampler() -> av.AudioResampler:
    # In 16-bit samples the library's downmix of equal channels keeps their level; in floating
    # point it would raise it by 3 dB.
    return av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
