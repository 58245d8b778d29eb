"""Finds the sessions of one process by the names that others know them by."""

from __future__ import annotations

import hmac
from collections import deque
from typing import NamedTuple

from rtc.naming import NameRefusedError, Names, Wanted, check_name, new_name
from rtc.session import PeerSession

_MOST_REMEMBERED = 1000  # names of sessions that have ended


class _Place(NamedTuple):
    session: PeerSession
    names: Names
    returns_from: str | None

    def is_for(self, wanted: Wanted, address: str) -> bool:
        """Whether whoever comes is the one who had it."""
        has_key = wanted.key is not None and hmac.compare_digest(
            self.names.control.encode(), wanted.key.encode()
        )
        return has_key or self.returns_from == address


class Directory:
    """Of the sessions of one process."""

    def __init__(self) -> None:
        self._watched: dict[str, _Place] = {}
        self._controlled: dict[str, PeerSession] = {}
        self._ended: deque[Names] = deque(maxlen=_MOST_REMEMBERED)

    def granted(self, wanted: Wanted, address: str) -> str | None:
        """Return the name that a session of ``address`` may have, or None, for one made up.

        Who comes back may have their name before the server knows that they were gone. With a key
        that is not right, it gets another: it cannot do more about that.

        Raises:
            NameRefusedError: it could be guessed, or another has it and no key was given.
        """
        check_name(wanted.name)
        place = self._watched.get(wanted.name)
        if place is None or place.is_for(wanted, address):
            return wanted.name
        if wanted.key is None:
            raise NameRefusedError("Another session has this name; choose one.", "taken")
        return None

    def add(
        self, session: PeerSession, granted: str | None = None, returns_from: str | None = None
    ) -> Names:
        """Enter a session; whoever has the name that was granted ends.

        Args:
            session: to be found from now on.
            granted: by what name it may be watched; without one, one is made up.
            returns_from: the address from which it may come back under that name without its key.
        """
        names = Names(granted or new_name(), new_name())
        if before := self._watched.get(names.watch):
            before.session.end("its publisher has come back")
        self._watched[names.watch] = _Place(session, names, returns_from)
        self._controlled[names.control] = session
        return names

    def remove(self, session: PeerSession, names: Names) -> None:
        """Forget a session, but for a while not that there was one."""
        del self._controlled[names.control]
        place = self._watched.get(names.watch)
        if place and place.session is session:  # else another has come back under its name
            del self._watched[names.watch]
        self._ended.append(names)

    def watched(self, name: str) -> PeerSession | None:
        """Return the session that may be watched by this name."""
        place = self._watched.get(name)
        return place.session if place else None

    def controlled(self, name: str) -> PeerSession | None:
        """Return the session that may be ended by this name."""
        return self._controlled.get(name)

    def was_watched(self, name: str) -> bool:
        """Whether a session that could be watched by this name has ended of late."""
        return any(name == names.watch for names in self._ended)

    def was_controlled(self, name: str) -> bool:
        """Whether a session that could be ended by this name has ended of late."""
        return any(name == names.control for names in self._ended)
