"""What is made of the results that came: pauses, freshness, and how soon all was well again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eval.network.cases import CASES
from eval.network.measure import Figures, Result, Span, figures_of, worst_of
from eval.network.report import Run, heading, line, rows_of

_GOOD = Figures(0.5, 2.0, 0.6, 0.7, 0.8, 0.9, 1.0, 1.0)


def _results(*times_s: float, age_s: float = 0.1) -> list[Result]:
    return [Result(at, at - age_s, at - age_s, has_both=True) for at in times_s]


def test_of_a_steady_stream_all_is_well() -> None:
    """Two a second, each with something fresh: that is the rate and these are the pauses."""
    results = _results(*(100 + 0.5 * n for n in range(40)))
    figures = figures_of(results, offered_s=99.2, span=Span(102.1, 110.1, 116.1))
    assert figures.set_up_s == pytest.approx(0.8)
    assert figures.results_per_s == pytest.approx(2.0)
    assert figures.pause_s == figures.voice_pause_s == figures.face_pause_s == pytest.approx(0.5)
    assert figures.voice_back_s == figures.face_back_s == pytest.approx(0.4)
    assert figures.both_share == 1
    assert figures.holds


def test_a_pause_reaches_to_the_ends_of_the_span() -> None:
    """Nothing at the beginning, or at the end, is a pause as in the middle."""
    span = Span(100.0, 100.0, 110.0)
    assert figures_of(_results(104, 105, 107), 99.0, span).pause_s == pytest.approx(4)
    assert figures_of(_results(101, 102, 103), 99.0, span).pause_s == pytest.approx(7)
    assert figures_of([], 99.0, span).pause_s == pytest.approx(10)


def test_what_is_old_is_not_fresh() -> None:
    """Results that tell of what was captured seconds before are a pause of voice and face."""
    old = _results(*(100 + 0.5 * n for n in range(1, 20)), age_s=1.5)
    figures = figures_of(old, 99.0, Span(100.0, 100.0, 110.0))
    assert figures.pause_s == pytest.approx(0.5)
    assert figures.voice_pause_s == figures.face_pause_s == pytest.approx(10)
    assert not figures.holds


def test_what_was_captured_before_the_end_of_a_fault_is_not_back() -> None:
    """Results that waited out an outage count as results, but not for being well again."""
    late = [*_results(101, 102, age_s=3.0), *_results(103)]
    figures = figures_of(late, 99.0, Span(100.0, 100.0, 104.0))
    assert figures.voice_back_s == figures.face_back_s == pytest.approx(3)


def test_a_face_that_stays_away_is_never_back() -> None:
    """With a voice alone the face is never back, and the case does not hold."""
    voices = [replace(each, face_at_s=None, has_both=False) for each in _results(101, 102, 103)]
    figures = figures_of(voices, 99.0, Span(100.0, 100.0, 104.0))
    assert figures.voice_back_s == pytest.approx(1)
    assert (figures.set_up_s, figures.face_back_s, figures.both_share) == (None, None, 0)
    assert not figures.holds


@pytest.mark.parametrize(
    "bad",
    [
        {"set_up_s": None},
        {"set_up_s": 15.1},
        {"pause_s": 3.1},
        {"voice_pause_s": 3.1},
        {"face_pause_s": 3.1},
        {"voice_back_s": 3.1},
        {"face_back_s": None},
    ],
)
def test_one_bad_figure_is_enough(bad: dict[str, float | None]) -> None:
    """A case holds as long as every figure does, of everybody."""
    assert _GOOD.holds
    worse = replace(_GOOD, **bad)
    assert not worse.holds
    assert not worst_of([_GOOD, worse, _GOOD]).holds


def test_the_worst_of_all_people_counts() -> None:
    """The lowest rate and share, the longest times; never is longer than any."""
    slow = replace(_GOOD, results_per_s=1.2, pause_s=1.5, both_share=0.5)
    late = replace(_GOOD, set_up_s=2.0, voice_back_s=None)
    worst = worst_of([_GOOD, slow, late])
    assert worst == Figures(2.0, 1.2, 1.5, 0.7, 0.8, None, 1.0, 0.5)


def test_the_table_says_all_of_it() -> None:
    """A line has as many cells as the heading, and a row says what was done to the network."""
    run = Run("outage", seed=4, seconds=3.0, people=(_GOOD, replace(_GOOD, face_back_s=None)))
    cells = line(run).removeprefix(CASES["outage"].title).split()
    assert cells == ["0.5", "2.00", "0.6", "0.7", "0.8", "0.9", "never", "100%", "no"]
    assert heading().split()[-1] == "holds"
    assert len(line(run)) == len(heading())
    (row,) = rows_of([run])
    assert row["case"] == "outage"
    assert row["network"] == "nothing passes for 3 s"
    assert (row["people"], row["seed"], row["seconds"]) == (2, 4, 3.0)
    assert (row["face_back_s"], row["holds"]) == (None, False)
