"""Finds sessions by the names that others know them by: unguessable, and in no log."""

from __future__ import annotations

import re
import secrets
from collections import deque
from typing import NamedTuple

from rtc.reasons import Reason
from rtc.session import PeerSession

_NAME = re.compile(r"[A-Za-z0-9_-]{22,64}")  # 22 of these hold 128 bits
_NAME_BYTES = 18
_MOST_REMEMBERED = 1000  # names of sessions that have ended


class NameRefusedError(ValueError):
    """A session may not have the name that was asked for; the message says why.

    Attributes:
        reason: one word, for counts: it is none, or another session has it.
    """

    def __init__(self, sentence: str, reason: Reason) -> None:
        super().__init__(sentence)
        self.reason = reason


class Names(NamedTuple):
    """Of one session.

    Attributes:
        watch: lets whoever knows it see the results.
        control: lets whoever knows it end the session.
    """

    watch: str
    control: str


class _Place(NamedTuple):
    session: PeerSession
    address: str
    was_wanted: bool


class Directory:
    """Of the sessions of one process."""

    def __init__(self) -> None:
        self._watched: dict[str, _Place] = {}
        self._controlled: dict[str, PeerSession] = {}
        self._ended: deque[Names] = deque(maxlen=_MOST_REMEMBERED)

    def check(self, wanted: str, address: str) -> None:
        """See whether a session of ``address`` may have the name ``wanted`` for those who watch.

        Who has chosen a name may come back under it before the server knows that they were gone.

        Raises:
            NameRefusedError: it could be guessed, or another has it.
        """
        if not _NAME.fullmatch(wanted):
            raise NameRefusedError(
                "The session's name must have 22 to 64 letters, digits, - and _, made by chance: "
                "whoever guesses it can watch.",
                "malformed",
            )
        place = self._watched.get(wanted)
        if place and not (place.was_wanted and place.address == address):
            raise NameRefusedError("Another session has this name; choose one.", "taken")

    def add(self, session: PeerSession, address: str, wanted: str | None = None) -> Names:
        """Enter ``session``, of ``address``; ``wanted`` has been checked, and ends who has it."""
        names = Names(wanted or _new_name(), _new_name())
        if before := self._watched.get(names.watch):
            before.session.end("its publisher has come back")
        self._watched[names.watch] = _Place(session, address, wanted is not None)
        self._controlled[names.control] = session
        return names

    def remove(self, session: PeerSession, names: Names) -> None:
        """Forget a session, but for a while not that there was one."""
        del self._controlled[names.control]
        if self._watched[names.watch].session is session:
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


def _new_name() -> str:
    return secrets.token_urlsafe(_NAME_BYTES)
