"""What a client sends: tracks that it opened, and those that were given to it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable

from aiortc import MediaStreamTrack

from rtc.sources import Source, open_tracks


class Outgoing:
    """The tracks of one client.

    Attributes:
        tracks: at most one of sound and one of pictures.
    """

    def __init__(self, on_end: Callable[[], None]) -> None:
        """Have ``on_end`` called whenever a track ends."""
        self.tracks: list[MediaStreamTrack] = []
        self._on_end = on_end
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
                self.tracks.append(source)
            else:
                self.tracks += await asyncio.to_thread(open_tracks, source)
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
        """Stop all tracks, as aiortc stops those that it has begun to send."""
        for track in self.tracks:
            track.stop()
