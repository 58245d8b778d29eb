"""Who comes and what they do, drawn with a seed, so that a soak can be had again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What somebody does."""

    HANGS_UP = "stays and hangs up"
    VANISHES = "vanishes without a word"
    STALLS = "stalls and goes on"
    RECONNECTS = "reconnects at once"
    CHANGES_SETTINGS = "changes settings"
    LEAVES_EARLY = "leaves while connecting"
    NEVER_CONNECTS = "never connects"
    OFFERS_GARBAGE = "offers garbage"
    BREAKS_OFF = "breaks off the offer"


class Sends(StrEnum):
    """Which media somebody has."""

    BOTH = "both"
    SOUND = "sound"
    PICTURES = "pictures"


# How often each kind comes in a round; most people stay for a while.
_ROUND = (
    *[Kind.HANGS_UP, Kind.VANISHES] * 3,
    *[Kind.STALLS, Kind.RECONNECTS, Kind.CHANGES_SETTINGS] * 2,
    *[Kind.LEAVES_EARLY, Kind.NEVER_CONNECTS, Kind.OFFERS_GARBAGE, Kind.BREAKS_OFF],
)
_MEDIA = (Sends.BOTH, Sends.BOTH, Sends.SOUND, Sends.PICTURES)
_STAYS_S = (1.0, 8.0)

ROUND_LENGTH = len(_ROUND)
"""Among as many lives in a row, counted from the first, is every kind."""


@dataclass(frozen=True)
class Life:
    """What one of them does.

    Attributes:
        kind: see there.
        sends: see there.
        stay_s: how long, from the first result on, where somebody stays at all.
        seed: of everything else that is left to chance.
    """

    kind: Kind
    sends: Sends
    stay_s: float
    seed: int


def plan(seed: int, count: int) -> tuple[Life, ...]:
    """Draw lives, the kinds evenly over time; the same seed gives the same ones."""
    chance = random.Random(seed)  # noqa: S311  it is to be repeated, not to be secret
    kinds = _in_rounds(chance)
    return tuple(
        Life(
            next(kinds),
            chance.choice(_MEDIA),
            round(chance.uniform(*_STAYS_S), 2),
            chance.getrandbits(32),
        )
        for _ in range(count)
    )


def _in_rounds(chance: random.Random) -> Iterator[Kind]:
    while True:
        yield from chance.sample(_ROUND, len(_ROUND))
