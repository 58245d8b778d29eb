"""Whether a server bore it: each criterion with what was found and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from eval.soak.course import Course
from eval.soak.outcomes import Fate

MOST_GROWTH = 0.10  # of resident memory
MOST_SILENCE_S = 5.0  # results come twice a second; on a shared machine somebody may be in the way
MOST_FAILED = 0.02  # of the lives: a peer, too, may be kept from its timers by others

# What Python, asyncio and our own log say of what nobody has dealt with.
_COMPLAINT = re.compile(
    r"Traceback|Task was destroyed|never retrieved|never awaited|Exception in callback"
    r"|Exception ignored|Unhandled|Fatal|\b(?:ERROR|CRITICAL)\b|\b(?:error|critical)\s*\]"
    r"|\blevel\W{1,4}(?:error|critical)\b"
)


@dataclass(frozen=True)
class Criterion:
    """One thing that is asked of a server.

    Attributes:
        name: what it is, with its unit.
        before: the figure after the warm-up, where there is one.
        found: the figure in the end.
        most: that it may be.
    """

    name: str
    before: float | None
    found: float
    most: float

    @property
    def holds(self) -> bool:
        """Whether it is as asked."""
        return self.found <= self.most


def criteria(course: Course, log: str) -> tuple[Criterion, ...]:
    """Judge what happened; ``log`` is the server's standard error, to its end."""
    before, after = course.before, course.after
    failed = [outcome for outcome in course.outcomes if outcome.fate != Fate.AS_PLANNED]
    counted = [
        Criterion(name.replace("_", " "), count, getattr(after.held, name), count)
        for name, count in vars(before.held).items()
        if name != "sessions"
    ]
    return (
        Criterion(
            "resident memory, MB",
            before.resident_mb,
            after.resident_mb,
            round(before.resident_mb * (1 + MOST_GROWTH), 1),
        ),
        *counted,
        Criterion("sessions", before.held.sessions, after.held.sessions, 0),
        Criterion("complaints in the log", None, len(complaints(log)), 0),
        Criterion(
            "longest silence, s",
            None,
            max((stay.longest_silence_s for stay in course.stays), default=0.0),
            MOST_SILENCE_S,
        ),
        Criterion("people lost", None, sum(stay.lost is not None for stay in course.stays), 0),
        Criterion(
            "lives not as planned, %",
            None,
            round(100 * len(failed) / max(1, len(course.outcomes)), 2),
            100 * MOST_FAILED,
        ),
    )


def complaints(log: str) -> Sequence[str]:
    """Return the lines that tell of what nobody has dealt with."""
    return [line for line in log.splitlines() if _COMPLAINT.search(line)]
