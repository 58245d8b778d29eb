"""Finds the sessions of one process by the names that others know them by."""

from __future__ import annotations

from collections import deque

from rtc.naming import Names
from rtc.session import PeerSession

_MOST_REMEMBERED = 1000  # names of sessions that have ended


class Directory:
    """Of the sessions of one process."""

    def __init__(self) -> None:
        self._watched: dict[str, PeerSession] = {}
        self._controlled: dict[str, PeerSession] = {}
        self._ended: deque[Names] = deque(maxlen=_MOST_REMEMBERED)

    def add(self, session: PeerSession, names: Names) -> None:
        """Enter a session; one that was sent with the same key ends."""
        if before := self._watched.get(names.watch):
            before.end("its publisher has come back")
        self._watched[names.watch] = session
        self._controlled[names.control] = session

    def remove(self, session: PeerSession, names: Names) -> None:
        """Forget a session, but for a while not that there was one."""
        del self._controlled[names.control]
        if self._watched.get(names.watch) is session:  # else its publisher has come back
            del self._watched[names.watch]
        self._ended.append(names)

    def watched(self, name: str) -> PeerSession | None:
        """Return the session that may be watched by this name."""
        return self._watched.get(name)

    def controlled(self, name: str) -> PeerSession | None:
        """Return the session that may be ended by this name."""
        return self._controlled.get(name)

    def was_watched(self, name: str) -> bool:
        """Whether a session that could be watched by this name has ended of late."""
        return any(name == names.watch for names in self._ended)

    def was_controlled(self, name: str) -> bool:
        """Whether a session that could be ended by this name has ended of late."""
        return any(name == names.control for names in self._ended)
