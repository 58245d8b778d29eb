"""What the client plays in tests: a wave of any rate, a song, a broadcast, somebody who talks."""

from __future__ import annotations

import wave
from itertools import cycle, islice
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from tests.eval.recordings import Pictures, Sound, write_recording
from tests.media import PICTURE_RATE_HZ, SOUND_RATE_HZ, Clip

_Samples = npt.NDArray[np.int16]


def tone(seconds: float, rate_hz: int, pitch_hz: float = 440.0) -> _Samples:
    """Return a hum, int16 mono."""
    time_s = np.arange(int(seconds * rate_hz)) / rate_hz
    return (8000 * np.sin(2 * np.pi * pitch_hz * time_s)).astype(np.int16)


def write_wave(path: Path, samples: _Samples, rate_hz: int) -> Path:
    """Write mono sound as it is."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.tobytes())
    return path


def write_song(path: Path, samples: _Samples, cover: npt.NDArray[np.uint8]) -> Path:
    """Write an mp3 of sound at 48 kHz, with a picture in front of it (ID3v2.3, section 4.15)."""
    encode(path, samples, "libmp3lame", "mono")
    _, png = cv2.imencode(".png", cover[..., ::-1])
    picture = b"\0image/png\0\x03\0" + png.tobytes()
    frame = b"APIC" + len(picture).to_bytes(4, "big") + b"\0\0" + picture
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\x03\0\0" + size + frame + path.read_bytes())
    return path


def encode(path: Path, samples: _Samples, codec: str, layout: str) -> Path:
    """Write sound at 48 kHz; a second channel has the same."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, 48_000, layout=layout)
        for start in range(0, len(samples), 1024):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], "s16", "mono")
            frame.sample_rate, frame.pts = 48_000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_broadcast(path: Path, *parts: tuple[_Samples, str]) -> Path:
    """Write an MPEG transport stream whose parts follow each other as they are, each with times
    from the beginning and a layout of its own.
    """
    pieces = [
        encode(path.with_suffix(f".{number}.ts"), samples, "aac", layout)
        for number, (samples, layout) in enumerate(parts)
    ]
    path.write_bytes(b"".join(piece.read_bytes() for piece in pieces))
    return path


def write_talk(path: Path, clip: Clip, seconds: float) -> Path:
    """Write the beginning of a clip, with its face and its voice."""
    times_s = [number / PICTURE_RATE_HZ for number in range(round(seconds * PICTURE_RATE_HZ))]
    pictures = Pictures(list(islice(cycle(clip.pictures), len(times_s))), times_s)
    return write_recording(path, pictures, Sound(clip.sound[: round(seconds * SOUND_RATE_HZ)]))
