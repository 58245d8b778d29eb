"""Whether a server bore it: each leak, each complaint and each failure is enough to say no."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eval.soak.course import Course
from eval.soak.figures import Figures, Held
from eval.soak.outcomes import Fate, Outcome
from eval.soak.plan import Kind
from eval.soak.stays import Stay
from eval.soak.verdict import complaints, criteria

HELD = Held(sessions=0, file_descriptors=20, threads=30, tasks=6)
REST = Figures(300.0, HELD)
GOOD = Course(
    before=REST,
    after=REST,
    outcomes=(Outcome(Kind.HANGS_UP, Fate.AS_PLANNED),) * 100,
    stays=(Stay(100, 0.6, None), Stay(100, 5.0, None)),
    samples=(),
)


def failing(course: Course, log: str = "") -> list[str]:
    """Return the criteria that do not hold."""
    return [each.name for each in criteria(course, log) if not each.holds]


def test_a_server_that_holds_no_more_than_before_has_borne_it() -> None:
    """Everything as it was, nobody lost, nothing complained of: each criterion holds."""
    assert failing(GOOD) == []


def test_memory_may_grow_by_a_tenth() -> None:
    """330 MB of 300 hold, 331 do not; less than before is no leak."""
    for resident_mb, holds in ((200.0, True), (330.0, True), (331.0, False)):
        course = replace(GOOD, after=Figures(resident_mb, HELD))
        assert failing(course) == ([] if holds else ["resident memory, MB"])


@pytest.mark.parametrize("name", ["sessions", "file_descriptors", "threads", "tasks"])
def test_one_thing_more_is_a_leak(name: str) -> None:
    """Of whatever is counted, one that stays is enough; one less is none."""
    for more, expected in ((1, [name.replace("_", " ")]), (-1, [])):
        after = replace(HELD, **{name: getattr(HELD, name) + more})
        assert failing(replace(GOOD, after=Figures(300.0, after))) == expected


def test_who_is_still_there_after_the_warm_up_is_not_taken_as_the_measure() -> None:
    """A session that lasted before and lasts after is one too many."""
    stuck = Figures(300.0, replace(HELD, sessions=1))
    assert failing(replace(GOOD, before=stuck, after=stuck)) == ["sessions"]


@pytest.mark.parametrize(
    "line",
    [
        "Traceback (most recent call last):",
        'timestamp=2026-11-23T12:00:00Z level=error logger=asyncio event="Task was destroyed"',
        "level=error logger=rtc.registry session=ab12cd34 event=failed",
        "level=critical event=over",
        "ERROR rtc.registry: session ab12cd34 failed",
        "Task was destroyed but it is pending!",
        "Task exception was never retrieved",
        "Exception in callback _SelectorTransport._read_ready()",
        "Exception ignored in: <function Decoder.__del__ at 0x7f>",
        "<sys>:0: RuntimeWarning: coroutine 'f' was never awaited",
        "Fatal Python error: Segmentation fault",
    ],
)
def test_complaints_are_found(line: str) -> None:
    """Whatever nobody has dealt with is found by the line that tells of it."""
    log = f"level=warning event=before\n{line}\nlevel=warning event=after\n"
    assert complaints(log) == [line]
    assert failing(GOOD, log) == ["complaints in the log"]


def test_what_was_dealt_with_is_no_complaint() -> None:
    """Warnings and refusals, even of errors, are the server's business as usual."""
    log = 'level=warning event="closing took too long"\nlevel=info event="refused: an error"\n'
    assert complaints(log) == []


def test_a_silence_beyond_the_limit_is_not_served() -> None:
    """Of those who stayed, one who heard nothing for longer than that is enough."""
    course = replace(GOOD, stays=(*GOOD.stays, Stay(100, 5.01, None)))
    assert failing(course) == ["longest silence, s"]


def test_a_lost_connection_is_not_served() -> None:
    """Nobody who stays may be lost."""
    course = replace(GOOD, stays=(Stay(100, 0.6, "the connection is failed"),))
    assert failing(course) == ["people lost"]


@pytest.mark.parametrize("fate", [Fate.FAILED, Fate.TURNED_AWAY])
def test_lives_that_cannot_be_lived_are_no_proof(fate: Fate) -> None:
    """Two in a hundred may fail for the peers' own slowness; three may not."""
    good, bad = Outcome(Kind.STALLS, Fate.AS_PLANNED), Outcome(Kind.STALLS, fate, "why")
    assert failing(replace(GOOD, outcomes=(*[good] * 98, bad, bad))) == []
    course = replace(GOOD, outcomes=(*[good] * 97, bad, bad, bad))
    assert failing(course) == ["lives not as planned, %"]
