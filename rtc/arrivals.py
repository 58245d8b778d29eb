"""Decoded frames as they would come from a camera and a microphone: cut, timed, in order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av

# What a browser sends: Opus packets of 20 ms, which aiortc always decodes to 48 kHz stereo.
_SOUND_RATE_HZ = 48_000
_PACKET_SAMPLES = _SOUND_RATE_HZ // 50

Frame = av.AudioFrame | av.VideoFrame


@dataclass(frozen=True)
class Arrival:
    """A frame and its place in the recording, in seconds since the recording's first frame.

    Attributes:
        frame: a picture, or 20 ms of sound (the last may be shorter): int16, stereo, 48 kHz.
        starts_s: when it begins.
        ends_s: when it ends; of a picture that does not say, when it begins.
    """

    frame: Frame
    starts_s: float
    ends_s: float

    @property
    def at_s(self) -> float:
        """When a live server would have it: a picture when it is taken, sound when it is over."""
        return self.starts_s if isinstance(self.frame, av.VideoFrame) else self.ends_s


def sound_arrivals(frames: Iterator[Frame]) -> Iterator[Arrival]:
    """Cut sound into the packets that a browser would send."""
    resampler = _packets()
    due_s = 0.0  # where a frame without a time goes: behind the one before
    for frame in frames:
        if not isinstance(frame, av.AudioFrame) or not frame.samples:
            continue
        if frame.pts is None:
            # In the stream's own unit of time, which is the one that the resampler goes by.
            frame.time_base = frame.time_base or Fraction(1, frame.sample_rate)
            frame.pts = round(due_s / frame.time_base)
        due_s = float(frame.time or 0.0) + frame.samples / frame.sample_rate
        try:
            packets = resampler.resample(frame)
        except ValueError:  # rate or layout changed
            yield from _timed(resampler.resample(None))
            resampler = _packets()
            packets = resampler.resample(frame)
        yield from _timed(packets)
    yield from _timed(resampler.resample(None))


def _packets() -> av.AudioResampler:
    return av.AudioResampler("s16", "stereo", _SOUND_RATE_HZ, _PACKET_SAMPLES)


def _timed(packets: list[av.AudioFrame]) -> Iterator[Arrival]:
    for packet in packets:
        starts_s = float(packet.time or 0.0)
        yield Arrival(packet, starts_s, starts_s + packet.samples / _SOUND_RATE_HZ)


def picture_arrivals(frames: Iterator[Frame]) -> Iterator[Arrival]:
    """Give each picture its time, whatever the rate, steady or not."""
    due_s = 0.0  # where a picture without a time goes, as above
    for frame in frames:
        if not isinstance(frame, av.VideoFrame):
            continue
        starts_s = due_s if frame.time is None else float(frame.time)
        due_s = starts_s + float(frame.duration * (frame.time_base or Fraction(0)))
        yield Arrival(frame, starts_s, due_s)


def in_order(track: Iterator[Arrival]) -> Iterator[Arrival]:
    """Let no time run back, as it does in damaged files."""
    last_s = -math.inf
    for one in track:
        late_s = max(0.0, last_s - one.starts_s)
        yield Arrival(one.frame, one.starts_s + late_s, one.ends_s + late_s)
        last_s = one.starts_s + late_s
