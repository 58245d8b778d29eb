"""Plays what is recorded, or comes from a device, as a track that aiortc can send."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from rtc.pieces import Piece


class Pace:
    """Real time, shared by the tracks of one recording; it begins with the first that is asked."""

    def __init__(self) -> None:
        self._began_at_s: float | None = None

    def begin(self) -> None:
        """Have the recording begin now, if it has not."""
        if self._began_at_s is None:
            self._began_at_s = time.monotonic()

    async def wait_until(self, due_s: float) -> None:
        """Wait until so many seconds have passed since it began."""
        assert self._began_at_s is not None
        await asyncio.sleep(max(0.0, self._began_at_s + due_s - time.monotonic()))


class PlayedTrack(MediaStreamTrack):
    """Pieces of sound or pictures, each decoded when it is asked for, in a thread of the track.

    aiortc's own MediaPlayer would not do. It takes the first damaged packet for the end, waits for
    ever where the layout of the sound changes, counts the cover of a song as a camera, leaves
    portraits on their side and pictures as large and as many as they are, plays at once what
    begins later, and holds up the event loop while it stops.
    """

    def __init__(
        self, kind: str, pieces: Iterator[Piece], close: Callable[[], None], pace: Pace | None
    ) -> None:
        """Play ``pieces``.

        Args:
            kind: "audio" or "video".
            pieces: blocks while it decodes or waits for a device; its end is the track's.
            close: called by the thread once nobody asks any more.
            pace: of a recording; None for a device, which has a pace of its own.
        """
        super().__init__()
        self.kind = kind
        self._pieces = pieces
        self._close = close
        self._pace = pace
        # One thread, so that nothing is closed while it is read.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"playing {kind}")

    async def recv(self) -> av.AudioFrame | av.VideoFrame:
        """Return the next piece when it is due."""
        if self.readyState != "live":
            raise MediaStreamError
        if self._pace is not None:
            self._pace.begin()
        loop = asyncio.get_running_loop()
        piece = await loop.run_in_executor(self._thread, next, self._pieces, None)
        if piece is None:
            self.stop()
            raise MediaStreamError
        if self._pace is not None:
            await self._pace.wait_until(piece.due_s)
        return piece.frame

    def stop(self) -> None:
        """End; the file or device is closed soon after, by the thread, which ends then."""
        if self.readyState == "live":
            self._thread.submit(self._close)
            self._thread.shutdown(wait=False)
        super().stop()
