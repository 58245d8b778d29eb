"""Sound and pictures for tests: real clips where they are, self-made ones where they are not."""

from __future__ import annotations

import asyncio
import fractions
import os
import time
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import skimage.data
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

DATA = Path(os.environ.get("EMOTION_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
MEDIA = DATA / "media"
HAPPY = MEDIA / "happy_woman_1080p25_48k.mp4"
ANGRY = MEDIA / "angry_man_1080p25_48k.mp4"
SILENT = MEDIA / "sad_woman_360p24_silent.mp4"
NO_FACE = MEDIA / "no_face.mp4"

NO_RECORDINGS = "no recordings beside the project"  # why tests of meaning are skipped

SOUND_RATE_HZ = 48_000
PICTURE_RATE_HZ = 15
_PACKET_SAMPLES = SOUND_RATE_HZ // 50


@dataclass(frozen=True)
class Clip:
    """A recording in memory, played round and round by the tracks below.

    Attributes:
        pictures: uint8 RGB, shape (n, height, width, 3), 15 a second.
        sound: int16 mono at 48 kHz, shape (m,).
    """

    pictures: npt.NDArray[np.uint8]
    sound: npt.NDArray[np.int16]


def load_clip(path: Path, width: int = 640, seconds: float = 4.0) -> Clip:
    """Decode the first seconds of a recording."""
    pictures, sound = [], []
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        height = round(video.height * width / video.width / 2) * 2
        due_s = 0.0
        for frame in container.decode(video=0):
            if frame.time >= seconds:
                break
            if frame.time >= due_s:
                pictures.append(frame.to_ndarray(format="rgb24", width=width, height=height))
                due_s += 1 / PICTURE_RATE_HZ
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SOUND_RATE_HZ)
        for frame in container.decode(audio=0):
            if frame.time >= seconds:
                break
            sound += [out.to_ndarray()[0] for out in resampler.resample(frame)]
    return Clip(np.stack(pictures), np.concatenate(sound))


def photograph_clip() -> Clip:
    """A photograph of a woman who smiles, and synthetic speech; needs no recordings."""
    photograph = skimage.data.astronaut()[:384, :512]
    picture = np.ascontiguousarray(np.pad(photograph, ((0, 96), (64, 64), (0, 0)), mode="edge"))
    return Clip(np.stack([picture] * 3), synthetic_speech(3.0))


def synthetic_speech(seconds: float, pitch_hz: float = 140.0) -> npt.NDArray[np.int16]:
    """Pulses of a voice through three formants, in syllables of a quarter second; int16, 48 kHz."""
    time_s = np.arange(int(seconds * SOUND_RATE_HZ)) / SOUND_RATE_HZ
    pitch = pitch_hz * (1 + 0.15 * np.sin(2 * np.pi * 0.7 * time_s))
    phase = np.cumsum(pitch) / SOUND_RATE_HZ
    voice = np.zeros_like(time_s)
    for harmonic in range(1, 24):
        frequency = harmonic * pitch_hz
        gain = sum(np.exp(-(((frequency - f) / 180) ** 2)) for f in (600, 1200, 2600))
        voice += gain / harmonic**0.3 * np.sin(2 * np.pi * harmonic * phase)
    syllables = np.clip(np.sin(2 * np.pi * 2 * time_s), 0, 1)
    return (voice * syllables / np.abs(voice).max() * 12_000).astype(np.int16)


def silence(seconds: float = 1.0) -> npt.NDArray[np.int16]:
    """Digital silence, int16, 48 kHz."""
    return np.zeros(int(seconds * SOUND_RATE_HZ), np.int16)


class _Paced(MediaStreamTrack):
    """Waits until the next piece is due, as a camera or microphone would."""

    def __init__(self, interval_s: float) -> None:
        super().__init__()
        self._interval_s = interval_s
        self._started_at: float | None = None
        self.sent = 0

    async def _due(self) -> int:
        if self._started_at is None:
            self._started_at = time.monotonic()
        due_at = self._started_at + self.sent * self._interval_s
        await asyncio.sleep(due_at - time.monotonic())
        if self.readyState != "live":
            raise MediaStreamError
        self.sent += 1
        return self.sent - 1


class PictureTrack(_Paced):
    """Plays pictures, uint8 RGB, 15 a second, round and round."""

    kind = "video"

    def __init__(self, pictures: npt.NDArray[np.uint8]) -> None:
        super().__init__(1 / PICTURE_RATE_HZ)
        self._frames = [
            av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            for picture in pictures
        ]

    async def recv(self) -> av.VideoFrame:
        number = await self._due()
        frame = self._frames[number % len(self._frames)]
        frame.pts = number
        frame.time_base = fractions.Fraction(1, PICTURE_RATE_HZ)
        return frame


class SoundTrack(_Paced):
    """Plays sound, int16 mono at 48 kHz, in packets of 20 ms, round and round."""

    kind = "audio"

    def __init__(self, sound: npt.NDArray[np.int16]) -> None:
        super().__init__(_PACKET_SAMPLES / SOUND_RATE_HZ)
        whole = len(sound) // _PACKET_SAMPLES * _PACKET_SAMPLES
        self._packets = sound[:whole].reshape(-1, 1, _PACKET_SAMPLES)

    async def recv(self) -> av.AudioFrame:
        number = await self._due()
        packet = np.ascontiguousarray(self._packets[number % len(self._packets)])
        frame = av.AudioFrame.from_ndarray(packet, format="s16", layout="mono")
        frame.sample_rate = SOUND_RATE_HZ
        frame.pts = number * _PACKET_SAMPLES
        frame.time_base = fractions.Fraction(1, SOUND_RATE_HZ)
        return frame
