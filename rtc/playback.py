"""Plays what is recorded, or comes from a device, as a track that aiortc can send."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.container import InputContainer

from rtc.clock import Clock
from rtc.pieces import Kind, Piece, pieces_of


class Pace:
    """Real time, shared by the tracks of one recording; it begins with the first that is asked."""

    def __init__(
        self,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Go by ``clock``, and wait by ``sleep``, both in seconds."""
        self._clock = clock
        self._sleep = sleep
        self._began_at_s: float | None = None

    def begin(self) -> None:
        """Have the recording begin now, if it has not."""
        if self._began_at_s is None:
            self._began_at_s = self._clock()

    async def wait_until(self, due_s: float) -> None:
        """Wait until so many seconds have passed since it began."""
        assert self._began_at_s is not None
        await self._sleep(max(0.0, self._began_at_s + due_s - self._clock()))


class PlayedTrack(MediaStreamTrack):
    """Pieces of sound or pictures, each decoded when it is asked for, in a thread of the track.

    aiortc's own MediaPlayer would not do. It takes the first damaged packet for the end, waits for
    ever where the layout of the sound changes, counts the cover of a song as a camera, leaves
    portraits on their side and pictures as large and as many as they are, plays at once what
    begins later, and holds up the event loop while it stops.
    """

    def __init__(
        self,
        kind: Kind,
        pieces: Iterator[Piece],
        close: Callable[[], None],
        pace: Pace | None,
        stop: threading.Event,
    ) -> None:
        """Play ``pieces``.

        Args:
            kind: of the track.
            pieces: blocks while it decodes or waits for a device; its end is the track's.
            close: called by the thread once nobody asks any more.
            pace: of a recording; None for a device, which has a pace of its own.
            stop: set when the track is stopped, so that ``pieces`` waits for nothing more.
        """
        super().__init__()
        self.kind = kind
        self._pieces = pieces
        self._close = close
        self._pace = pace
        self._stop = stop
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
            self._stop.set()
            self._thread.submit(self._close)
            self._thread.shutdown(wait=False)
        super().stop()


def track_of(
    container: InputContainer,
    kind: Kind,
    pace: Pace | None,
    stop: threading.Event | None = None,
) -> PlayedTrack | None:
    """Return the container's track of this kind, or close it where none of it can be played.

    Args:
        container: a recording or a device, to be closed by the track.
        kind: of the track.
        pace: as ``PlayedTrack`` has it.
        stop: once set, whatever is waited for is given up.
    """
    stop = stop or threading.Event()
    pieces = pieces_of(container, kind, stop)
    first = next(pieces, None)
    if first is None:
        container.close()
        return None
    return PlayedTrack(kind, chain([first], pieces), container.close, pace, stop)
