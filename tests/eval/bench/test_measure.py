"""What a number of peers got: intervals, rates and ages by hand, and the limits of "served"."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eval.bench.measure import Cost, Level, level_of
from eval.bench.peers import Result

COST = Cost(
    server_cores=0.5,
    server_mb=400.0,
    peers_cores=0.3,
    peers_late_ms=2.0,
    loop_lag_p99_ms=4.0,
    pictures_per_s=30.0,
    drops=0,
)


def results(
    *times_s: float, picture_age_s: float | None = 0.1, sound_age_s: float | None = 0.05
) -> list[Result]:
    """Results that came at these moments, all with the same ages."""
    return [Result(at_s, picture_age_s, sound_age_s) for at_s in times_s]


def level(*peers: list[Result], lost: int = 0) -> Level:
    """Sum up what peers got between second 100 and second 104."""
    return level_of(peers, 100.0, 104.0, lost, COST)


def test_intervals_are_between_results_of_one_peer():
    """Two peers whose results interlace have their own intervals, not those between them."""
    found = level(results(100.0, 100.5, 101.0, 101.7), results(100.2, 100.6, 101.2))
    # In ms: 500, 500, 700 and 400, 600; sorted 400, 500, 500, 600, 700.
    assert found.interval_p50_ms == pytest.approx(500)
    assert found.interval_p95_ms == pytest.approx(680)  # 0.8 of the way from 600 to 700
    assert found.interval_max_ms == pytest.approx(700)


def test_rates_are_over_the_whole_time():
    """Results a second are everybody's; the slowest is the peer who got the fewest."""
    found = level(results(100.0, 100.5, 101.0, 101.5, 102.0, 102.5), results(100.2, 103.2))
    assert found.peers == 2
    assert found.results_per_s == 2.0
    assert found.slowest_hz == 0.5


def test_what_came_before_or_after_does_not_count():
    """The first moment belongs to the time that is measured, the last one does not."""
    early, late = Result(99.9, 9.0, 9.0), Result(104.0, 9.0, 9.0)
    found = level([early, *results(100.0, 102.0), late])
    assert found.results_per_s == 0.5
    assert found.interval_max_ms == pytest.approx(2000)
    assert (found.age_p95_ms, found.sound_age_p95_ms) == (pytest.approx(100), pytest.approx(50))


@pytest.mark.parametrize("got", [results(), results(102.0)], ids=["nothing", "one result"])
def test_a_starved_peer_counts_with_the_whole_time(got: list[Result]):
    """A peer with no two results has the whole time as its interval, and is the slowest."""
    found = level(results(100.0, 100.5, 101.0, 101.5), got)
    assert found.interval_max_ms == pytest.approx(4000)
    assert found.slowest_hz == len(got) / 4
    assert not found.holds


def test_ages_are_of_the_results_that_have_them():
    """A result without a new picture says nothing of the pictures' age; sound has its own."""
    got = [
        Result(100.0, 0.1, None),
        Result(100.5, None, 0.3),
        Result(101.0, 0.2, None),
        Result(101.5, 0.6, None),
    ]
    found = level(got)
    # In ms: 100, 200, 600.
    assert found.age_p50_ms == pytest.approx(200)
    assert found.age_p95_ms == pytest.approx(560)  # 0.9 of the way from 200 to 600
    assert found.sound_age_p95_ms == pytest.approx(300)


def test_without_any_picture_the_age_is_infinite():
    """Peers whose pictures were never used are not served, however often results come."""
    got = results(*(100 + n / 2 for n in range(8)), picture_age_s=None)
    found = level(got)
    assert (found.age_p50_ms, found.age_p95_ms) == (float("inf"), float("inf"))
    assert found.slowest_hz == 2.0
    assert not found.holds


def test_nobody_is_not_an_error():
    """Without peers there is a level, too: no results, and the whole time without any."""
    found = level()
    assert (found.peers, found.results_per_s, found.slowest_hz) == (0, 0, 0)
    assert found.interval_max_ms == 4000


def test_people_served_twice_a_second_with_fresh_pictures_are_served():
    """Results each half second, 0.1 s old, hold; its cost is passed on as it is."""
    found = level(*(results(*(100 + peer / 10 + n / 2 for n in range(8))) for peer in range(3)))
    assert found.holds
    assert found.cost == COST


def test_a_lost_peer_is_told_and_is_not_served():
    """One connection that ended by itself is enough for the level not to hold."""
    got = results(*(100 + n / 2 for n in range(8)))
    assert level(got, got).holds
    found = level(got, got, lost=1)
    assert found.lost == 1
    assert not found.holds


@pytest.mark.parametrize(
    ("name", "at_limit", "beyond"),
    [
        ("interval_p95_ms", 600.0, 600.1),
        ("age_p95_ms", 300.0, 300.1),
        ("slowest_hz", 1.9, 1.89),
        ("lost", 0, 1),
    ],
)
def test_each_limit_holds_exactly_and_not_beyond(name: str, at_limit: float, beyond: float):
    """At its limit each figure still holds; a little beyond, that one alone is enough to fail."""
    good = level(results(*(100 + n / 2 for n in range(8))))
    assert replace(good, **{name: at_limit}).holds
    assert not replace(good, **{name: beyond}).holds
