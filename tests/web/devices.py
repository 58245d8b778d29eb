"""Recordings in the place of camera and microphone."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from tests.media import PICTURE_RATE_HZ, SOUND_RATE_HZ, Clip

_MJPEG_RATE_HZ = 30  # at which Chromium plays a file of pictures, whatever rate it was made for


@dataclass(frozen=True)
class Devices:
    """Files that Chromium takes for camera and microphone; it plays them round and round."""

    camera: Path
    microphone: Path

    @property
    def flags(self) -> tuple[str, str]:
        return (
            f"--use-file-for-fake-video-capture={self.camera}",
            f"--use-file-for-fake-audio-capture={self.microphone}",
        )


def write_devices(clip: Clip, folder: Path) -> Devices:
    """Write a clip's pictures and sound as the files that Chromium reads."""
    devices = Devices(folder / "camera.mjpeg", folder / "microphone.wav")
    _, height, width, _ = clip.pictures.shape
    with av.open(str(devices.camera), "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=_MJPEG_RATE_HZ)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        stream.bit_rate = 20_000_000
        pictures = np.repeat(clip.pictures, _MJPEG_RATE_HZ // PICTURE_RATE_HZ, axis=0)
        for picture in pictures[: _sweeping(len(pictures), _MJPEG_RATE_HZ)]:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    with wave.open(str(devices.microphone), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SOUND_RATE_HZ)
        sound.writeframes(clip.sound[: _sweeping(len(clip.sound), SOUND_RATE_HZ)].tobytes())
    return devices


def _sweeping(count: int, rate_hz: int) -> int:
    """Return to how much a loop is to be cut, so that it is not a whole number of half seconds.

    Were it, results would tell of the same few moments of it each time.
    """
    beyond_s = count / rate_hz % 0.5
    if 0.15 <= beyond_s <= 0.35:
        return count
    return max(1, count - round((beyond_s - 0.35) % 0.5 * rate_hz))
