"""Names by which sessions are known outside: unguessable, and in no log."""

from __future__ import annotations

import re
import secrets
from typing import NamedTuple

from rtc.reasons import Reason

_NAME = re.compile(r"[A-Za-z0-9_-]{22,64}")  # 22 of these hold 128 bits
_NAME_BYTES = 18


class NameRefusedError(ValueError):
    """A session may not have the name that was asked for; the message says why.

    Attributes:
        reason: one word, for counts: it is none, or another session has it.
    """

    def __init__(self, sentence: str, reason: Reason) -> None:
        super().__init__(sentence)
        self.reason = reason


class Wanted(NamedTuple):
    """By what name a session wants to be watched.

    Attributes:
        name: of 22 to 64 letters, digits, - and _.
        key: the control name of the session that had it before, from whoever comes back.
    """

    name: str
    key: str | None = None


class Names(NamedTuple):
    """Of one session.

    Attributes:
        watch: lets whoever knows it see the results.
        control: lets whoever knows it end the session.
    """

    watch: str
    control: str


def check_name(name: str) -> None:
    """See whether a name that somebody chose can be one.

    Raises:
        NameRefusedError: it could be guessed.
    """
    if not _NAME.fullmatch(name):
        raise NameRefusedError(
            "The session's name must have 22 to 64 letters, digits, - and _, made by chance: "
            "whoever guesses it can watch.",
            "malformed",
        )


def new_name() -> str:
    """Make one up."""
    return secrets.token_urlsafe(_NAME_BYTES)
