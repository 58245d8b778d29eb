"""What people got from a server while the network was bad, and after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST_PAUSE_S = 3.0  # beyond it results have neither gone on nor resumed
MOST_SET_UP_S = 15.0  # as long as the server and the page wait for a connection
_FRESH_S = 1.0  # what is told of later than that after it was captured is history


@dataclass(frozen=True)
class Result:
    """One message of a server, as a peer saw it; times on the peer's monotonic clock.

    Attributes:
        at_s: when it came.
        voice_at_s: when the newest sound was captured, if it is new in this message, which has
            evidence of the voice; else None.
        face_at_s: the same for the newest picture and the face.
        has_both: whether there is evidence of both, new or not.
    """

    at_s: float
    voice_at_s: float | None
    face_at_s: float | None
    has_both: bool

    def shows_both_after(self, time_s: float) -> bool:
        """Say whether voice and face in it were both captured after ``time_s``."""
        captured = (self.voice_at_s, self.face_at_s)
        return all(at_s is not None and at_s > time_s for at_s in captured)


@dataclass(frozen=True)
class Span:
    """What is measured, on the peers' monotonic clock.

    Attributes:
        began_s: when what is counted begins.
        healed_s: when the fault was over.
        ended_s: when nobody looked any more.
    """

    began_s: float
    healed_s: float
    ended_s: float


@dataclass(frozen=True)
class Figures:
    """Of one person, or the worst of several; times in seconds, None for never.

    Attributes:
        set_up_s: from the offer to the first result with voice and face.
        results_per_s: within the span.
        pause_s: the longest time without a result.
        voice_pause_s, face_pause_s: the longest time without one that has fresh evidence of it:
            captured at most a second before.
        voice_back_s, face_back_s: from the end of the fault to the first result whose evidence
            was captured after it.
        both_share: of the results, those with evidence of both.
    """

    set_up_s: float | None
    results_per_s: float
    pause_s: float
    voice_pause_s: float
    face_pause_s: float
    voice_back_s: float | None
    face_back_s: float | None
    both_share: float

    @property
    def is_set_up(self) -> bool:
        """Whether results came in time at first."""
        return self.set_up_s is not None and self.set_up_s <= MOST_SET_UP_S

    @property
    def holds(self) -> bool:
        """Whether results went on, or resumed in time."""
        back_s = (self.voice_back_s, self.face_back_s)
        pauses_s = (self.pause_s, self.voice_pause_s, self.face_pause_s)
        is_back = all(s is not None and s <= MOST_PAUSE_S for s in back_s)
        return self.is_set_up and is_back and max(pauses_s) <= MOST_PAUSE_S


def figures_of(results: Sequence[Result], offered_s: float, span: Span) -> Figures:
    """Sum up what one person got."""
    within = [each for each in results if span.began_s <= each.at_s < span.ended_s]
    first_both = next((each for each in results if each.shows_both_after(0.0)), None)

    def pause_s(has_come: Callable[[Result], bool]) -> float:
        times = [each.at_s for each in within if has_come(each)]
        return max(b - a for a, b in pairwise([span.began_s, *times, span.ended_s]))

    return Figures(
        set_up_s=None if first_both is None else first_both.at_s - offered_s,
        results_per_s=len(within) / (span.ended_s - span.began_s),
        pause_s=pause_s(lambda _: True),
        voice_pause_s=pause_s(lambda each: _is_fresh(each.at_s, each.voice_at_s)),
        face_pause_s=pause_s(lambda each: _is_fresh(each.at_s, each.face_at_s)),
        voice_back_s=_back_s(((r.at_s, r.voice_at_s) for r in within), span.healed_s),
        face_back_s=_back_s(((r.at_s, r.face_at_s) for r in within), span.healed_s),
        both_share=sum(each.has_both for each in within) / max(1, len(within)),
    )


def worst_of(people: Sequence[Figures]) -> Figures:
    """Return the worst of each figure, over all people."""

    def latest(read: Callable[[Figures], float | None]) -> float | None:
        values = [read(each) for each in people]
        known = [value for value in values if value is not None]
        return max(known) if len(known) == len(values) else None

    return Figures(
        set_up_s=latest(lambda each: each.set_up_s),
        results_per_s=min(each.results_per_s for each in people),
        pause_s=max(each.pause_s for each in people),
        voice_pause_s=max(each.voice_pause_s for each in people),
        face_pause_s=max(each.face_pause_s for each in people),
        voice_back_s=latest(lambda each: each.voice_back_s),
        face_back_s=latest(lambda each: each.face_back_s),
        both_share=min(each.both_share for each in people),
    )


def _is_fresh(at_s: float, captured_s: float | None) -> bool:
    return captured_s is not None and at_s - captured_s <= _FRESH_S


def _back_s(results: Iterable[tuple[float, float | None]], healed_s: float) -> float | None:
    return next(
        (at_s - healed_s for at_s, captured_s in results if captured_s and captured_s > healed_s),
        None,
    )
