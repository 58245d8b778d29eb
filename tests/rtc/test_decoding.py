"""Streams that are read frame by frame: devices that have nothing to give."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace

from rtc.decoding import decoded_frames

_MOST_READS = 50


class _Forbidden:
    """Stands for a camera on macOS, which here is none: each read says that there is nothing yet.

    Attributes:
        reads: how often it was asked; it ends after 50.
    """

    def __init__(self) -> None:
        self.streams = [SimpleNamespace(index=0)]
        self.reads = 0

    def demux(self, _: object) -> Iterator[None]:
        self.reads += 1
        if self.reads < _MOST_READS:
            raise BlockingIOError
        yield None


def test_a_device_with_nothing_to_give_is_left_when_it_is_stopped() -> None:
    """It is asked again until the flag is set, and not once more."""
    camera, stop = _Forbidden(), threading.Event()
    stop.set()
    assert list(decoded_frames(camera, 0, stop=stop)) == []
    assert camera.reads == 1
    assert list(decoded_frames(camera, 0)) == []
    assert camera.reads == _MOST_READS
