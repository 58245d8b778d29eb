"""What sessions have received and sent, and what went wrong in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields


@dataclass(frozen=True)
class Counts:
    """Of one session, or of all since the process began.

    Attributes:
        pictures: that were decoded.
        results: messages made at ticks.
        dropped: messages that were not sent because the peer did not take those before.
        skipped: requests skipped because the one before, of the same kind, was still under way.
        faults: by the code of the notice that told of them (rtc.messages.NoticeMessage).
    """

    pictures: int = 0
    results: int = 0
    dropped: int = 0
    skipped: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Counts) -> Counts:
        names = [each.name for each in fields(self)]
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in names})
