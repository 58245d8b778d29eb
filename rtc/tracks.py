"""The one way to drain an incoming track: every frame at media pace, until it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError


async def frames_of(track: MediaStreamTrack) -> AsyncIterator[Any]:
    """Yield the frames of a track, PyAV's audio or video frames, until it ends.

    aiortc queues without a limit, so whoever iterates must never wait between frames.
    """
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        yield frame
