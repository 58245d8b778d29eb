"""What a client sends: tracks that it opened, and those that were given to it."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from aiortc import MediaStreamTrack

from rtc.sources import Camera, Source, open_tracks


class Outgoing:
    """The tracks of one client.

    Attributes:
        tracks: at most one of sound and one of pictures.
    """

    def __init__(self, on_end: Callable[[], None]) -> None:
        """Have ``on_end`` called whenever a track ends."""
        self.tracks: list[MediaStreamTrack] = []
        self._on_end = on_end
        self._stopped = threading.Event()
        self._adding = threading.Lock()
        self._has_given = False  # these end when whoever gave them likes, and others may follow

    async def add(self, sources: Iterable[Source]) -> None:
        """Open what is to be opened.

        Raises:
            rtc.sources.SourceError: a recording or a device is missing, or is no media.
            ValueError: there are two of sound, or two of pictures.
        """
        for source in sources:
            if isinstance(source, MediaStreamTrack):
                self._has_given = True
                self._take([source])
            else:
                await asyncio.to_thread(self._open, source)
        kinds = Counter(track.kind for track in self.tracks)
        if kinds["audio"] > 1 or kinds["video"] > 1:
            raise ValueError(
                "one track of sound and one of pictures can be sent, not "
                f"{kinds['audio']} and {kinds['video']}; for another person, use another client"
            )
        for track in self.tracks:
            track.on("ended", self._on_end)

    @property
    def is_over(self) -> bool:
        """Whether all has been played to its end, and nothing can follow."""
        has_ended = all(track.readyState == "ended" for track in self.tracks)
        return bool(self.tracks) and has_ended and not self._has_given

    def stop(self) -> None:
        """Stop all tracks, as aiortc stops those that it has begun to send, and those to come."""
        with self._adding:
            self._stopped.set()
        for track in self.tracks:
            track.stop()

    def _open(self, source: Camera | str | Path) -> None:
        # By the thread itself: whoever waits for it may have been cancelled.
        self._take(open_tracks(source, self._stopped))

    def _take(self, tracks: Sequence[MediaStreamTrack]) -> None:
        with self._adding:
            self.tracks += tracks
            is_late = self._stopped.is_set()
        if is_late:
            for track in tracks:
                track.stop()
