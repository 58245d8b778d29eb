"""What those got who stayed: the longest time without a result, wherever it lies."""

from __future__ import annotations

import pytest

from eval.soak.stays import Stay, stay_of


@pytest.mark.parametrize(
    ("times_s", "silence_s"),
    [
        ([10.5, 11.0, 14.0, 14.5], 3.0),  # between two results
        ([12.0, 12.5, 13.0, 13.5], 2.0),  # before the first
        ([10.5, 11.0, 11.5], 3.5),  # after the last
        ([], 5.0),
    ],
)
def test_the_longest_silence(times_s: list[float], silence_s: float) -> None:
    """It counts from when somebody came until now."""
    assert stay_of(times_s, 10.0, 15.0, None) == Stay(len(times_s), silence_s, None)


def test_a_lost_connection_is_told() -> None:
    """Why somebody is gone who was to stay is kept."""
    assert stay_of([10.5], 10.0, 11.0, "the connection is failed").lost is not None
