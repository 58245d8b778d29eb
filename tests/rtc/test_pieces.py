"""What is sent when."""

from __future__ import annotations

from rtc.pieces import Timeline


def test_times_neither_run_back_nor_leap() -> None:
    """A short gap stays one; what runs back or leaps by more than 5 s follows at once."""
    timeline = Timeline(begins_s=10.0)
    starts_s = (10.0, 11.0, 13.0, 2.0, 3.0, 900.0, 901.0)
    placed = [timeline.place(at_s, at_s + 1) for at_s in starts_s]
    assert placed == [0, 1, 3, 4, 5, 6, 7]
