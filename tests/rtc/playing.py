"""What tests want to know of tracks that play: their frames, their sound, what they hold open."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import psutil
import pytest
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


def opening_threads() -> list[str]:
    """Return the names of the threads in which devices are opened."""
    return [t.name for t in threading.enumerate() if t.name.startswith("opening")]


class SilentMicrophone:
    """A microphone that ALSA knows by the name "silent", and that gives nothing.

    It is a named pipe into which nobody writes: FFmpeg waits in it, deaf to everything else.
    """

    def __init__(self, folder: Path) -> None:
        self._pipe = folder / "silent"
        os.mkfifo(self._pipe)
        self._writer: int | None = os.open(self._pipe, os.O_RDWR)
        plugin = f'type file slave.pcm {{ type null }} file "/dev/null" infile "{self._pipe}"'
        self.settings = folder / "silent.conf"
        self.settings.write_text(f'pcm.silent {{ {plugin} format "raw" }}')

    def is_open_in(self, process: int) -> bool:
        """Whether a process has it open; this one, besides us."""
        files = Path(f"/proc/{process}/fd").iterdir()
        count = sum(file.is_fifo() and file.samefile(self._pipe) for file in files)
        return count > (process == os.getpid() and self._writer is not None)

    def end(self) -> None:
        """Let whoever waits go on: it is over."""
        if self._writer is not None:
            os.close(self._writer)
        self._writer = None


@contextmanager
def silent_microphone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SilentMicrophone]:
    """Have ALSA know a silent microphone, in this process and those that it starts."""
    if "alsa" not in av.formats_available:
        pytest.skip("ALSA is for Linux")
    microphone = SilentMicrophone(folder)
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(microphone.settings))
    try:
        yield microphone
    finally:
        microphone.end()
