"""Opens a camera or a microphone within a time: some systems wait for ever where one may not."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

import av

from rtc.devices import Device
from rtc.pieces import Kind
from rtc.playback import PlayedTrack, track_of

_PATIENCE_S = 5.0  # cameras take up to two seconds
_LOOK_S = 0.02

_Opening = Future[PlayedTrack | None]


class SilentDeviceError(Exception):
    """Nothing has come from a device in time; the message says so."""


def open_device(device: Device, kind: Kind, given_up: threading.Event) -> PlayedTrack | None:
    """Open a device and wait for its first frame; return its track, or None if it has none.

    Args:
        device: to be opened.
        kind: of the track.
        given_up: once set, it is waited for no more.

    Raises:
        SilentDeviceError: none came within 5 s, or it was given up.
        av.FFmpegError, OSError, ValueError: it cannot be opened.
    """
    opening: _Opening = Future()
    stop = threading.Event()
    # Of its own and a daemon: FFmpeg may never come back, and nothing else is to wait for it.
    threading.Thread(
        target=_open, args=(device, kind, opening, stop), name=f"opening {kind}", daemon=True
    ).start()
    until = time.monotonic() + _PATIENCE_S
    while not (opening.done() or given_up.is_set()) and time.monotonic() < until:
        given_up.wait(_LOOK_S)
    if opening.cancel():  # which it is not where it has been opened meanwhile
        stop.set()
        raise SilentDeviceError(f"nothing has come from it within {_PATIENCE_S:g} s")
    return opening.result()


def _open(device: Device, kind: Kind, opening: _Opening, stop: threading.Event) -> None:
    """Open it for whoever waits; where nobody does any more, let it go."""
    track: PlayedTrack | None = None
    failure: Exception | None = None
    try:
        container = av.open(device.name, format=device.format, options=dict(device.options))
        track = track_of(container, kind, None, stop)
    except (av.FFmpegError, OSError, ValueError) as error:
        failure = error
    if not opening.set_running_or_notify_cancel():
        if track is not None:
            track.stop()
    elif failure is not None:
        opening.set_exception(failure)
    else:
        opening.set_result(track)
