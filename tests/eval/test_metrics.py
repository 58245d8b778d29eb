"""Accuracies against cases computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from eval.metrics import accuracy, wilson


def test_accuracy_of_a_hand_made_case() -> None:
    """Three of four right, one of those missed beyond the top five, classes weighing the same."""
    scores = np.zeros((4, 7), np.float32)
    scores[0, 3] = scores[1, 3] = scores[2, 5] = 1
    scores[3] = [0.3, 0.2, 0.2, 0.1, 0.1, 0.06, 0.04]
    result = accuracy(scores, np.array([3, 3, 5, 6]))
    assert (result.top1, result.n) == (0.75, 4)
    assert result.top5 == 0.75
    assert result.balanced == pytest.approx(2 / 3)


def test_the_label_among_the_five_best_counts_for_top5() -> None:
    """A label at rank five counts for top-5 and not for top-1."""
    scores = np.array([[0.3, 0.2, 0.2, 0.1, 0.09, 0.06, 0.05]], np.float32)
    result = accuracy(scores, np.array([4]))
    assert (result.top1, result.top5) == (0.0, 1.0)


def test_the_interval_is_wilsons() -> None:
    """8 of 10 gives 49.0 % to 94.3 %, as in published tables; 0 and all stay within [0, 1]."""
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == pytest.approx(1)
