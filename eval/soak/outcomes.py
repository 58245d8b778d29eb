"""What became of a life, as far as whoever lived it can tell."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from eval.soak.plan import Kind

TURNED_AWAY = frozenset({429, 503})
"""The statuses by which a server says to come again later."""


class Fate(StrEnum):
    """How it went."""

    AS_PLANNED = "as planned"
    TURNED_AWAY = "turned away"
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """How one life went, and where it failed, why."""

    kind: Kind
    fate: Fate
    why: str = ""


class LifeError(Exception):
    """The server did not do its part; the message says what was missed."""
