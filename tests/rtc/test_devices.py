"""Cameras and microphones: how each system opens them, and what is said where there is none."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import av
import numpy as np
import pytest

from rtc import device_opening, sources
from rtc.devices import Device, cameras, microphones
from rtc.sources import Camera, SourceError, open_tracks
from tests.rtc.playing import (
    is_open,
    opening_threads,
    pitch_hz,
    playing_threads,
    samples,
    silent_microphone,
)
from tests.rtc.songs import tone
from tests.waiting import until


async def test_a_device_that_works_is_found_behind_one_that_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first of a system's cameras that opens is taken, and has a pace of its own."""
    made_up = Device("testsrc=size=640x480:rate=30,realtime", "lavfi")
    monkeypatch.setattr(sources, "cameras", lambda _: [Device("/dev/none", "v4l2"), made_up])
    (track,) = open_tracks(Camera(sound=None))
    began_at = time.monotonic()
    frames = [await track.recv() for _ in range(9)]
    assert time.monotonic() - began_at > 0.6
    assert (frames[0].width, frames[0].height) == (640, 480)
    track.stop()
    await until(lambda: not playing_threads())


@pytest.fixture
def spoken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A microphone of the name "spoken", and the file that it reads: a device of ALSA's own.

    As no hardware does, it gives sample by sample, as fast as it is read.
    """
    if "alsa" not in av.formats_available:
        pytest.skip("ALSA is for Linux")
    file = tmp_path / "said"
    np.repeat(tone(1.0, 48_000), 2).tofile(file)
    plugin = f'type file slave.pcm {{ type null }} file "/dev/null" infile "{file}" format "raw"'
    (tmp_path / "alsa.conf").write_text(f"pcm.spoken {{ {plugin} }}")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "alsa.conf"))
    return file


async def test_a_named_microphone_is_opened(spoken: Path) -> None:
    """What a device of ALSA's gives is what is sent; stopped, it is let go."""
    (track,) = open_tracks(Camera(None, "spoken"))
    frames = [await track.recv() for _ in range(10)]
    assert pitch_hz(samples(frames)) == pytest.approx(440, abs=10)
    assert is_open(spoken)
    track.stop()
    await until(lambda: not is_open(spoken))


async def test_without_the_camera_the_microphone_is_let_go(spoken: Path) -> None:
    """Where one of both cannot be opened, nothing stays open."""
    with pytest.raises(SourceError, match="no camera"):
        open_tracks(Camera("no-such-camera", "spoken"))
    await until(lambda: not is_open(spoken))


async def test_a_device_that_gives_nothing_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As FFmpeg waits for ever for a camera that macOS forbids: the error says so in time, and what
    comes from it later is let go.
    """
    monkeypatch.setattr(device_opening, "_PATIENCE_S", 0.2)
    with silent_microphone(tmp_path, monkeypatch) as silent:
        with pytest.raises(
            SourceError, match=r"silent: nothing has come .+ 0\.2 s\); see .+allowed"
        ):
            await asyncio.to_thread(open_tracks, Camera(None, "silent"))
        assert opening_threads()
        silent.end()
        await until(lambda: not opening_threads() and not silent.is_open_in(os.getpid()))


@pytest.mark.parametrize(
    ("camera", "sentence"),
    [
        (Camera("no-such-camera", None), r"no camera can be opened \(no-such-camera: .+\); see"),
        (Camera(None, "no-such-mic"), r"no microphone can be opened \(no-such-mic: .+\); see"),
        (Camera(None, None), "neither camera nor microphone"),
    ],
)
def test_a_device_that_is_not_there_says_so(camera: Camera, sentence: str) -> None:
    """The error names the device, why it cannot be opened, and what to do."""
    with pytest.raises(SourceError, match=sentence):
        open_tracks(camera)


def test_no_device_at_all_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a system has no camera, the error says that."""
    monkeypatch.setattr(sources, "cameras", lambda _: [])
    with pytest.raises(SourceError, match=r"no camera can be opened \(there is none\)"):
        open_tracks(Camera(sound=None))


@pytest.mark.parametrize(
    ("system", "camera", "microphone"),
    [
        ("linux", ("/dev/video7", "v4l2"), ("/dev/video7", "alsa")),
        ("darwin", ("/dev/video7:none", "avfoundation"), ("none:/dev/video7", "avfoundation")),
        ("win32", ("video=/dev/video7", "dshow"), ("audio=/dev/video7", "dshow")),
    ],
)
def test_each_system_has_its_own_doors(
    system: str, camera: tuple[str, str], microphone: tuple[str, str]
) -> None:
    """A named device is opened as FFmpeg wants it on this system."""
    (picture,), (sound,) = (find("/dev/video7", system) for find in (cameras, microphones))
    assert (picture.name, picture.format) == camera
    assert (sound.name, sound.format) == microphone
