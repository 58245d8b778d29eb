"""Incoming sound: a rolling window of the newest, decoded when it is looked at."""

from __future__ import annotations

from collections.abc import Sequence

import av
import numpy as np
import numpy.typing as npt
from aiortc import RTCRtpCodecParameters
from aiortc.codecs import depayload, get_decoder
from aiortc.codecs.base import Decoder
from aiortc.jitterbuffer import JitterFrame

from models.voice.features import SAMPLE_RATE_HZ, rms
from models.voice.speech import HEARD_SAMPLES
from rtc.clock import Clock
from rtc.opus import MonoOpusDecoder
from rtc.resampling import MonoResampler, kind_of
from rtc.rtp import MediaClock, RtpPacket

_FULL_SCALE = 32768  # of signed 16-bit samples
_LONGEST_GAP_S = 0.5  # after a longer one the sound before it is no longer "the newest"
_MOST_PENDING = 50  # packets; where nobody looks, they are decoded after these


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
    """Turns sound of any kind, frame by frame, into 16 kHz mono and keeps the newest.

    Attributes:
        captured_at: when the newest sample arrived, in the clock's seconds, or None.
        media_time_s: where the newest sample of the window lies in its track.
    """

    def __init__(self, clock: Clock, window: RollingWindow | None = None) -> None:
        """Keep sound in ``window``, which may be longer than that of live sessions."""
        self.captured_at: float | None = None
        self.media_time_s = 0.0
        self._clock = clock
        self._window = window or RollingWindow(HEARD_SAMPLES)
        self._came_at: float | None = None  # the newest frame in the window
        self._resampler = MonoResampler(SAMPLE_RATE_HZ)

    @property
    def window(self) -> RollingWindow:
        """The sound."""
        return self._window

    def put(self, frame: av.AudioFrame) -> None:
        """Take a frame that arrives now; its rate, layout and sample format are free."""
        self.captured_at = self._clock()
        if self._is_gap_before(self.captured_at):
            self._window.clear()
        self._add([frame])
        self._came_at = self.captured_at

    def _is_gap_before(self, at: float) -> bool:
        return self._came_at is not None and at - self._came_at > _LONGEST_GAP_S

    def _add(self, frames: Sequence[av.AudioFrame]) -> None:
        """Add frames of one kind, without a gap between."""
        for converted in self._resampler.resample(_joined(frames)):
            self._window.add(converted.to_ndarray()[0].astype(np.float32) / _FULL_SCALE)
        self.media_time_s = (frames[-1].time or 0.0) + frames[-1].samples / frames[-1].sample_rate

    def level(self, now: float) -> float:
        """Return the root mean square, in [0, 1], of the newest half second; 0 after a gap."""
        if self.captured_at is None or now - self.captured_at > _LONGEST_GAP_S:
            return 0.0
        return rms(self.window.newest(SAMPLE_RATE_HZ // 2))


class SoundReceiver(NewestSound):
    """The newest sound of a stream of packets.

    They are decoded together when the window is looked at, twice a second: one after another they
    take less than half the time that they take one by one, when all they need has left the cache.

    Attributes:
        packets: that arrived.
        damaged: those of them that could not be decoded.
        frames: that were decoded.
    """

    def __init__(self, clock: Clock, window: RollingWindow | None = None) -> None:
        super().__init__(clock, window)
        self.packets = 0
        self.damaged = 0
        self.frames = 0
        self._media_clock = MediaClock()
        self._pending: list[tuple[RtpPacket, RTCRtpCodecParameters, float]] = []
        self._codec: RTCRtpCodecParameters | None = None
        self._decoder: Decoder | None = None

    @property
    def window(self) -> RollingWindow:
        """The sound, without what could not be decoded."""
        pending, self._pending = self._pending, []
        alike: list[av.AudioFrame] = []
        for packet, codec, at in pending:
            for frame in self._decoded(packet, codec):
                if self._is_gap_before(at):
                    alike.clear()
                    self._window.clear()
                elif alike and kind_of(frame) != kind_of(alike[0]):
                    self._add(alike)
                    alike.clear()
                alike.append(frame)
                self._came_at = at
        if alike:
            self._add(alike)
        return self._window

    def put_packet(self, packet: RtpPacket, codec: RTCRtpCodecParameters) -> None:
        """Take a packet that arrives now."""
        self.packets += 1
        self.captured_at = self._clock()
        self._pending.append((packet, codec, self.captured_at))
        if len(self._pending) > _MOST_PENDING:
            _ = self.window

    def begin_anew(self) -> None:
        """Decode what comes from now on with another decoder."""
        self._decoder = None
        self._resampler = MonoResampler(SAMPLE_RATE_HZ)

    def _decoded(self, packet: RtpPacket, codec: RTCRtpCodecParameters) -> list[av.AudioFrame]:
        if self._decoder is None or codec != self._codec:
            self._codec, self._decoder = codec, _decoder_for(codec)
        ticks = self._media_clock.ticks(packet.timestamp)
        try:
            frames = self._decoder.decode(JitterFrame(depayload(codec, packet.payload), ticks))
        except (av.FFmpegError, ValueError):
            self.damaged += 1
            return []
        sound = [frame for frame in frames if isinstance(frame, av.AudioFrame)]
        self.frames += len(sound)
        return sound


def _decoder_for(codec: RTCRtpCodecParameters) -> Decoder:
    return MonoOpusDecoder() if codec.name.lower() == "opus" else get_decoder(codec)


def _joined(frames: Sequence[av.AudioFrame]) -> av.AudioFrame:
    """Return frames of one kind as one: converting it takes little longer than converting each."""
    first = frames[0]
    if len(frames) == 1:
        return first
    samples = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    joined = av.AudioFrame.from_ndarray(samples, first.format.name, first.layout.name)
    joined.sample_rate = first.sample_rate
    return joined
