"""Where a client's tracks come from: recordings, this machine's devices, or whoever has some."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import av
from aiortc import MediaStreamTrack

from rtc.device_opening import SilentDeviceError, open_device
from rtc.devices import Device, cameras, microphones, prepare_alsa
from rtc.pieces import Kind
from rtc.playback import Pace, PlayedTrack, track_of
from rtc.recording import Recording, RecordingError, open_recording


class SourceError(Exception):
    """There is nothing to play; the message says why, and what to do."""


@dataclass(frozen=True)
class Camera:
    """This machine's camera and microphone.

    Attributes:
        pictures: name of the camera, "default" for the first that works, or None for no pictures:
            on Linux /dev/video0 and the like, else as ``ffmpeg -list_devices true`` calls it.
        sound: name of the microphone likewise, on Linux as ``arecord -L`` calls it.
    """

    pictures: str | None = "default"
    sound: str | None = "default"


Source = MediaStreamTrack | Camera | str | Path
"""A track, this machine's camera and microphone, or the path of a recording of any kind."""


def open_tracks(
    source: Camera | str | Path, given_up: threading.Event | None = None
) -> list[PlayedTrack]:
    """Open a recording, to be played in real time, or devices; return one track of each kind.

    Takes as long as opening takes, up to 5 s for each device: do not call it on the event loop.

    Args:
        source: what to open.
        given_up: once set, no device is waited for any more.

    Raises:
        SourceError: what is named is missing, gives nothing, or is no media.
    """
    if isinstance(source, Camera):
        return _tracks_of_devices(source, given_up or threading.Event())
    return _tracks_of_recording(Path(source))


def _tracks_of_recording(path: Path) -> list[PlayedTrack]:
    pace = Pace()
    try:
        Recording(path)  # says what is wrong with it, if anything is
        # Read on its own, each track is there when it is due.
        opened = [track_of(open_recording(path), kind, pace) for kind in get_args(Kind)]
    except (RecordingError, av.FFmpegError, OSError) as error:
        raise SourceError(f"{path} cannot be played: {error}; name another recording") from error
    tracks = [track for track in opened if track is not None]
    if not tracks:
        raise SourceError(f"{path} holds nothing that can be decoded; name another recording")
    return tracks


def _tracks_of_devices(camera: Camera, given_up: threading.Event) -> list[PlayedTrack]:
    prepare_alsa()
    tracks: list[PlayedTrack] = []
    try:
        if camera.sound is not None:
            found = microphones(camera.sound)
            tracks.append(_device_track("audio", "microphone", found, given_up))
        if camera.pictures is not None:
            tracks.append(_device_track("video", "camera", cameras(camera.pictures), given_up))
    except SourceError:
        for track in tracks:
            track.stop()
        raise
    if not tracks:
        raise SourceError("neither camera nor microphone is to be sent; name one of them")
    return tracks


def _device_track(
    kind: Kind, what: str, candidates: list[Device], given_up: threading.Event
) -> PlayedTrack:
    """Open the first device that works."""
    reasons = []
    for device in candidates:
        try:
            track = open_device(device, kind, given_up)
        except (av.FFmpegError, OSError, ValueError, SilentDeviceError) as error:
            reasons.append(f"{device.name}: {getattr(error, 'strerror', None) or error}")
            continue
        if track is not None:
            return track
        reasons.append(f"{device.name}: nothing comes from it")
    raise SourceError(
        f"no {what} can be opened ({'; '.join(reasons) or 'there is none'}); see that one is "
        "plugged in, used by nothing else and allowed, name another, or leave it out"
    )
