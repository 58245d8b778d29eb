"""Recordings for tests, made with PyAV: any container, rate, offset and rotation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from tests.media import HAPPY, SOUND_RATE_HZ, photograph_clip

_CODECS = {
    ".mp4": ("mpeg4", "aac"),
    ".mov": ("mpeg4", "aac"),
    ".ts": ("mpeg2video", "aac"),
    ".mkv": ("mpeg4", "pcm_s16le"),
    ".webm": ("libvpx", "libopus"),
    ".wav": ("", "pcm_s16le"),
    ".flac": ("", "flac"),
}
_CLOCK = Fraction(1, 1000)


@dataclass(frozen=True)
class Pictures:
    """Pictures, uint8 RGB of one shape, and when each is shown, in seconds."""

    frames: Sequence[npt.NDArray[np.uint8]]
    times_s: Sequence[float]
    rotation: float = 0.0  # degrees, written beside the pictures and not applied to them


@dataclass(frozen=True)
class Sound:
    """Sound, int16 at 48 kHz, mono, shape (n,); and when it starts, in seconds."""

    samples: npt.NDArray[np.int16]
    starts_s: float = 0.0


def write_recording(
    path: Path, pictures: Pictures | None = None, sound: Sound | None = None
) -> Path:
    """Encode; the ending of ``path`` chooses container and codecs. Pictures come first."""
    video_codec, audio_codec = _CODECS[path.suffix]
    with av.open(str(path), "w") as container:
        video = container.add_stream(video_codec, 30) if pictures else None
        audio = container.add_stream(audio_codec, SOUND_RATE_HZ) if sound else None
        if pictures and video:
            video.height, video.width = pictures.frames[0].shape[:2]
            video.pix_fmt, video.codec_context.time_base = "yuv420p", _clock_of(video_codec)
            video.bit_rate = 2_000_000
            if pictures.rotation:
                video.set_display_rotation(pictures.rotation)
        if audio:
            audio.layout = "mono"
        if pictures and video:
            for picture, time_s in zip(pictures.frames, pictures.times_s, strict=True):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.time_base = video.codec_context.time_base
                frame.pts = round(time_s / frame.time_base)
                container.mux(video.encode(frame.reformat(format="yuv420p")))
            container.mux(video.encode(None))
        if sound and audio:
            for start in range(0, len(sound.samples), 1024):
                samples = sound.samples[None, start : start + 1024]
                frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
                frame.sample_rate = SOUND_RATE_HZ
                frame.time_base = Fraction(1, SOUND_RATE_HZ)
                frame.pts = start + round(sound.starts_s * SOUND_RATE_HZ)
                container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


def steady(
    picture: npt.NDArray[np.uint8], seconds: float, rate_hz: float = 10.0, starts_s: float = 0.0
) -> Pictures:
    """One picture, shown again and again."""
    times_s = [starts_s + n / rate_hz for n in range(int(seconds * rate_hz))]
    return Pictures([picture] * len(times_s), times_s)


def grey(height: int = 96, width: int = 128, level: int = 128) -> npt.NDArray[np.uint8]:
    """A picture that shows nothing."""
    return np.full((height, width, 3), level, np.uint8)


def _clock_of(codec: str) -> Fraction:
    return Fraction(1, 30) if codec == "mpeg2video" else _CLOCK  # MPEG-2 knows a few rates only


def talking_person(folder: Path) -> Path:
    """A woman who speaks, real where recordings are; otherwise made, in ``folder``."""
    if HAPPY.exists():
        return HAPPY
    clip = photograph_clip()
    pictures = steady(clip.pictures[0], 3.0, rate_hz=15)
    return write_recording(folder / "talking.mp4", pictures, Sound(clip.sound))
