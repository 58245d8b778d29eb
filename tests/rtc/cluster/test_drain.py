"""When a replica that is to go ends those who are left."""

from __future__ import annotations

from rtc.cluster.drain import Drain


class _Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_who_is_asked_for_its_health_stays() -> None:
    """However long it lasts."""
    clock = _Clock()
    drain = Drain(10.0, clock)
    for _ in range(100):
        clock.now_s += 1.0
        drain.asked()
        assert not drain.may_go
    assert not drain.is_over


def test_who_is_not_asked_goes_after_its_time() -> None:
    """From the last question on, while there is a controller that could ask."""
    clock = _Clock()
    drain = Drain(10.0, clock)
    for second in range(1, 12):
        clock.now_s = float(second)
        assert drain.is_over is (second > 10)
        if drain.may_go:
            drain.count(is_controller_there=True)
    assert drain.is_over


def test_a_controller_that_is_away_ends_nobody() -> None:
    """Its time does not count; when it is back, and asks, all is as before."""
    clock = _Clock()
    drain = Drain(10.0, clock)
    for _ in range(60):
        clock.now_s += 1.0
        drain.count(is_controller_there=False)
    assert drain.may_go
    assert not drain.is_over
    drain.asked()
    clock.now_s += 9.0
    drain.count(is_controller_there=True)
    assert not drain.is_over
