"""What tests want to know of tracks that play: their frames, their sound, what they hold open."""

from __future__ import annotations

import threading
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import psutil
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

Frames = list[av.AudioFrame | av.VideoFrame]


async def played(track: MediaStreamTrack) -> Frames:
    """Return all frames of a track, as they come."""
    frames: Frames = []
    while True:
        try:
            frames.append(await track.recv())
        except MediaStreamError:
            return frames


def samples(frames: Frames) -> npt.NDArray[np.float64]:
    """Return the left channel, in [-1, 1]."""
    return np.concatenate([frame.to_ndarray()[0, ::2] for frame in frames]) / 32768


def pitch_hz(samples: npt.NDArray[np.float64]) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax()) * 48_000 / len(samples)


def is_open(path: Path) -> bool:
    """Whether this process has a file open."""
    return str(path) in {file.path for file in psutil.Process().open_files()}


def playing_threads() -> list[str]:
    """Return the names of the threads in which tracks are decoded."""
    return [t.name for t in threading.enumerate() if t.name.startswith("playing")]
