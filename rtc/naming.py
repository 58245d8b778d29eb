"""Names by which sessions are known outside: unguessable, and in no log.

Who has a session's key sends under it, and comes back under it. Who has its watch name, which is
made of the key, sees its results, and cannot make the key of it. So nothing has to be kept, and
every worker knows the same.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from typing import NamedTuple

_KEY = re.compile(r"[A-Za-z0-9_-]{22,64}")  # 22 of these hold 128 bits
_RANDOM_BYTES = 24
_WATCH_BYTES = 24


class KeyRefusedError(ValueError):
    """A key that somebody chose is none; the message says why."""


class Names(NamedTuple):
    """Of one session.

    Attributes:
        key: lets whoever knows it send in place of who does now.
        watch: lets whoever knows it see the results.
        control: lets whoever knows it end this session.
    """

    key: str
    watch: str
    control: str


def names_of(key: str | None = None, place: str = "") -> Names:
    """Return the names of a new session; without a key, one is made up.

    Args:
        key: that its publisher chose.
        place: where it is served; see ``place_of``.

    Raises:
        KeyRefusedError: the key could be guessed.
    """
    if key is None:
        key = secrets.token_urlsafe(_RANDOM_BYTES)
    elif not _KEY.fullmatch(key):
        raise KeyRefusedError(
            "A key has 22 to 64 letters, digits, - and _, made by chance, for whoever guesses it "
            "can send in your place; POST /sessions makes one."
        )
    digest = hashlib.sha256(b"watch " + key.encode()).digest()
    watch = base64.urlsafe_b64encode(digest[:_WATCH_BYTES]).decode()
    control = secrets.token_urlsafe(_RANDOM_BYTES)
    return Names(key, watch, f"{place}.{control}" if place else control)


def place_of(control: str) -> str:
    """Return where the session is served that this name ends; empty if it does not say so."""
    return control.rpartition(".")[0]
