"""The rhythm of ticks: steady, and just after a picture wherever pictures come regularly."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

import numpy as np
import pytest

from rtc.rhythm import Rhythm

_INTERVAL_S = 0.5
_LENGTH_S = 300.0


def played(arrivals: list[float]) -> tuple[list[float], list[float]]:
    """Return when ticks look, and how old the newest picture is each time."""
    rhythm, now = Rhythm(_INTERVAL_S, 0.0), 0.0
    looks, ages = [], []
    while now < _LENGTH_S:
        now = max(now, rhythm.next_due(now))
        before = bisect_right(arrivals, now)
        newest = arrivals[before - 1] if before else None
        if patience := rhythm.patience_s(now, newest):
            coming = arrivals[before] if before < len(arrivals) else np.inf
            if coming - now <= patience:
                rhythm.came_after(coming - now)
                now, newest = coming, coming
            else:
                now += patience
        looks.append(now)
        if newest is not None:
            ages.append(now - newest)
    return looks, ages


def stream(rate_hz: float, phase: float, jitter_s: float = 0.004) -> list[float]:
    """Return when pictures come, each a little early or late."""
    count = int(_LENGTH_S * rate_hz)
    late = np.random.default_rng(1).normal(0, jitter_s, count)
    return sorted((np.arange(count) + phase) / rate_hz + 0.1 + late)


@pytest.mark.parametrize("rate_hz", [7.5, 8.0, 10.0, 15.0, 24.0, 30.0])
@pytest.mark.parametrize("phase", [0.0, 0.1, 0.25, 0.3, 0.4, 0.5, 0.75, 0.8, 0.9])
def test_regular_pictures_are_fresh_and_ticks_steady(rate_hz: float, phase: float) -> None:
    """At any phase of the camera a picture is fresh when it is looked at, twice a second."""
    looks, ages = played(stream(rate_hz, phase))
    intervals = np.diff(looks)
    assert len(looks) / _LENGTH_S == pytest.approx(2.0, abs=0.02)
    assert np.percentile(intervals[4:], 95) < 0.58
    assert np.percentile(ages[4:], 90) < 0.035


@pytest.mark.parametrize("phase", np.linspace(0, 1, 26))
def test_a_camera_in_step_with_the_ticks_keeps_them_even(phase: float) -> None:
    """Eight pictures a second, whenever they come, give results as even as they are."""
    looks, _ = played(stream(8.0, float(phase)))
    assert np.percentile(np.abs(np.diff(looks)[10:] - _INTERVAL_S), 99) < 0.03


@pytest.mark.parametrize("rate_hz", [1.0, 3.0, 5.0])
def test_slow_cameras_do_not_slow_the_ticks(rate_hz: float) -> None:
    """Where a picture does not come in time, the tick goes on without."""
    looks, _ = played(stream(rate_hz, 0.37))
    assert len(looks) / _LENGTH_S == pytest.approx(2.0, abs=0.03)
    assert np.diff(looks).max() < 0.62


@pytest.mark.parametrize("arrivals", [[], [1.0, 1.1, 1.2]])
def test_nothing_is_waited_for_where_nothing_comes(arrivals: list[float]) -> None:
    """Without a camera, or after it was turned off, ticks are on their grid."""
    looks, _ = played(arrivals)
    assert all(b - a == pytest.approx(_INTERVAL_S) for a, b in pairwise(looks[5:]))


def test_missed_ticks_are_left_out() -> None:
    """After a pause of the whole process there is one tick, and then the grid again."""
    rhythm = Rhythm(_INTERVAL_S, 0.0)
    assert rhythm.next_due(0.0) == 0.5
    assert rhythm.next_due(0.5) == 1.0
    assert rhythm.next_due(3.7) == 3.5
    assert rhythm.next_due(3.7) == 4.0
