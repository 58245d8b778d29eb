"""Where a client's tracks come from: recordings, this machine's devices, or whoever has some."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal, get_args

import av
from aiortc import MediaStreamTrack
from av.container import InputContainer
from av.stream import Discard, Disposition

from rtc.arrivals import Frame
from rtc.devices import Device, cameras, microphones, prepare_alsa
from rtc.pieces import Piece, Timeline, picture_pieces, sound_pieces
from rtc.playback import Pace, PlayedTrack
from rtc.recording import Recording, RecordingError

_Kind = Literal["audio", "video"]

_AGAIN_S = 0.01  # where a device has nothing yet


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


def open_tracks(source: Camera | str | Path) -> list[PlayedTrack]:
    """Open a recording, to be played in real time, or devices; return one track of each kind.

    Takes as long as opening takes, up to seconds: do not call it on the event loop.

    Raises:
        SourceError: what is named is missing, or is no media.
    """
    if isinstance(source, Camera):
        return _tracks_of_devices(source)
    return _tracks_of_recording(Path(source))


def _tracks_of_recording(path: Path) -> list[PlayedTrack]:
    pace = Pace()
    try:
        Recording(path)  # says what is wrong with it, if anything is
        opened = [_track(_opened(path), kind, pace) for kind in get_args(_Kind)]
    except (RecordingError, av.FFmpegError, OSError) as error:
        raise SourceError(f"{path} cannot be played: {error}; name another recording") from error
    tracks = [track for track in opened if track is not None]
    if not tracks:
        raise SourceError(f"{path} holds nothing that can be decoded; name another recording")
    return tracks


def _opened(path: Path) -> InputContainer:
    """Open a file for one of its tracks: read on its own, each is there when it is due."""
    # As a file and nothing else: what looks like a playlist must not reach into the network.
    options = {"protocol_whitelist": "file"}
    container = av.open(f"file:{path}", metadata_errors="ignore", options=options)
    for stream in (*container.streams.video, *container.streams.audio):
        if stream.codec_context is not None:
            stream.codec_context.thread_type = "AUTO"  # by it, a camera's pictures would come late
    return container


def _tracks_of_devices(camera: Camera) -> list[PlayedTrack]:
    prepare_alsa()
    tracks: list[PlayedTrack] = []
    try:
        if camera.sound is not None:
            tracks.append(_track_of("audio", "microphone", microphones(camera.sound)))
        if camera.pictures is not None:
            tracks.append(_track_of("video", "camera", cameras(camera.pictures)))
    except SourceError:
        for track in tracks:
            track.stop()
        raise
    if not tracks:
        raise SourceError("neither camera nor microphone is to be sent; name one of them")
    return tracks


def _track_of(kind: _Kind, what: str, candidates: list[Device]) -> PlayedTrack:
    """Open the first device that works."""
    reasons = []
    for device in candidates:
        try:
            container = av.open(device.name, format=device.format, options=dict(device.options))
        except (av.FFmpegError, OSError, ValueError) as error:
            reasons.append(f"{device.name}: {getattr(error, 'strerror', None) or error}")
            continue
        if (track := _track(container, kind, None)) is not None:
            return track
        reasons.append(f"{device.name}: nothing comes from it")
    raise SourceError(
        f"no {what} can be opened ({'; '.join(reasons) or 'there is none'}); see that one is "
        "plugged in, used by nothing else and allowed, name another, or leave it out"
    )


def _track(container: InputContainer, kind: _Kind, pace: Pace | None) -> PlayedTrack | None:
    """Return the container's track of this kind, if a piece of it can be played, or close it."""
    pieces = _pieces(container, kind)
    first = next(pieces, None)
    if first is None:
        container.close()
        return None
    return PlayedTrack(kind, chain([first], pieces), container.close, pace)


def _pieces(container: InputContainer, kind: _Kind) -> Iterator[Piece]:
    index = _index(container, kind)
    if index is None:
        return
    frames = _frames(container, index)
    timeline = Timeline((container.start_time or 0) / av.time_base)
    cut = sound_pieces if kind == "audio" else picture_pieces
    try:
        yield from cut(frames, timeline)
    except av.FFmpegError:
        return  # what comes from here on cannot be converted


def _index(container: InputContainer, kind: _Kind) -> int | None:
    for stream in container.streams:
        is_cover = bool(stream.disposition & Disposition.attached_pic)
        if stream.type == kind and stream.codec_context is not None and not is_cover:
            return stream.index
    return None


def _frames(container: InputContainer, index: int) -> Iterator[Frame]:
    """Yield what one stream holds; leave out what is damaged, and end where nothing can be read."""
    for other in container.streams:
        if other.index != index:
            other.discard = Discard.all
    stream = container.streams[index]
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except BlockingIOError:
            time.sleep(_AGAIN_S)
            packets = container.demux(stream)
            continue
        except av.FFmpegError:
            return
        if packet is None:
            return
        try:
            for frame in packet.decode():
                if isinstance(frame, av.AudioFrame | av.VideoFrame):
                    yield frame
        except av.FFmpegError:
            continue
