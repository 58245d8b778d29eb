"""What lies between two versions of the same clips, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from eval.opus.table import Compared, rows_of


def test_the_difference_is_counted_clip_by_clip() -> None:
    """Of ten clips two became wrong and one right: a loss of ten points, within its interval."""
    labels = np.zeros(10, np.int64)
    right, wrong = np.eye(7, dtype=np.float32)[:2]
    recorded = np.stack([right] * 6 + [wrong] * 4)
    received = np.stack([wrong] * 2 + [right] * 5 + [wrong] * 3)
    before, after = rows_of(Compared(recorded, received, labels, lost_packets=4), seed=0)
    assert (before.top1, after.top1, after.n, after.lost_packets) == (0.6, 0.5, 10, 4)
    assert before.gain is None
    assert after.gain == pytest.approx(-0.1)
    assert -0.5 <= after.gain_low < -0.1 < after.gain_high <= 0.3


def test_versions_that_always_agree_have_no_interval() -> None:
    """Pairs that never differ leave nothing to chance, however hard the clips are."""
    scores = np.eye(7, dtype=np.float32)[np.arange(50) % 3]
    _, after = rows_of(Compared(scores, scores, np.zeros(50, np.int64), lost_packets=0), seed=0)
    assert (after.gain, after.gain_low, after.gain_high) == (0, 0, 0)
