"""Accuracies against cases computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from eval.metrics import (
    accuracy,
    confusion_matrix,
    expected_calibration_error,
    pigeonhole_interval,
    recall_per_class,
    reliability,
    share_interval,
    wilson,
)


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


def test_rows_of_few_parts_say_less() -> None:
    """Where nothing differs the interval is that; else it holds the mean, and is wider where
    700 rows share 50 clips than where each is its own.
    """
    rng = np.random.default_rng(1)
    clip, picture, alone = np.arange(700) % 50, np.arange(700) % 60, np.arange(700)
    shared = np.column_stack([clip, picture])
    assert pigeonhole_interval(np.zeros(700, np.int64), shared) == (0.0, 0.0)
    by_clip = rng.integers(-1, 2, 50)[clip]
    low, high = pigeonhole_interval(by_clip, shared)
    assert low < by_clip.mean() < high
    narrow_low, narrow_high = pigeonhole_interval(by_clip, np.column_stack([alone, alone]))
    assert narrow_high - narrow_low < 0.6 * (high - low)


def test_rows_that_share_all_say_as_much_as_the_parts() -> None:
    """20 clips of which half are right, each in 50 rows, leave an interval like that of 20."""
    hits = np.repeat([True, False], 500)
    clip = np.arange(1000) // 50
    low, high = pigeonhole_interval(hits, clip[:, None])
    assert (low, high) == pytest.approx(wilson(10, 20), abs=0.05)


def test_a_share_has_the_wider_interval() -> None:
    """Alone it is Wilson's; with shared parts it is wider, but where all is right no narrower."""
    hits = np.repeat([True, False], 500)
    parts = np.repeat(np.arange(20), 50)[:, None]
    assert share_interval(hits) == wilson(500, 1000)
    assert share_interval(hits, parts) == pigeonhole_interval(hits, parts)
    everything = np.ones(1000, bool)
    assert share_interval(everything, parts) == wilson(1000, 1000)
    scores = np.eye(7, dtype=np.float32)[np.where(hits, 0, 1)]
    labels = np.zeros(1000, np.int64)
    assert accuracy(scores, labels).ci95 == wilson(500, 1000)
    assert accuracy(scores, labels, parts).ci95 == share_interval(hits, parts)


def of_confidence(confidence: float, emotion: int) -> list[float]:
    """Scores with one emotion at a confidence above one half, and another at the rest."""
    scores = [0.0] * 7
    scores[emotion] = confidence
    scores[(emotion + 1) % 7] = 1 - confidence
    return scores


def test_the_calibration_error_is_the_weighted_distance() -> None:
    """Two sure at 0.9 with one right, two at 0.6 with both right: (2 * 0.4 + 2 * 0.4) / 4."""
    scores = [of_confidence(c, 0) for c in (0.9, 0.9, 0.6, 0.6)]
    error = expected_calibration_error(np.array(scores, np.float32), np.array([0, 1, 0, 0]))
    assert error == pytest.approx(0.4, abs=1e-6)


def test_bins_part_what_one_bin_would_level_out() -> None:
    """Too sure at 0.9 and too modest at 0.6 cancel in one bin and do not in fifteen."""
    scores = np.array([of_confidence(0.9, 0), of_confidence(0.6, 0)], np.float32)
    labels = np.array([1, 0])
    assert expected_calibration_error(scores, labels, bins=1) == pytest.approx(0.25, abs=1e-6)
    assert expected_calibration_error(scores, labels) == pytest.approx(0.65, abs=1e-6)


def test_sure_and_right_has_no_calibration_error() -> None:
    """A network that is certain and always right is calibrated."""
    scores = np.eye(7, dtype=np.float32)
    assert expected_calibration_error(scores, np.arange(7)) == 0


def test_an_upper_edge_belongs_to_its_bin() -> None:
    """With two bins 0.5 counts for the lower, as Guo et al. define; empty bins are NaN."""
    found = reliability(np.array([of_confidence(0.5, 0)], np.float32), np.array([0]), bins=2)
    assert found.counts.tolist() == [1, 0]
    assert found.hits[0] == 1
    assert np.isnan(found.confidence[1])


def test_confusions_and_recalls_of_a_hand_made_case() -> None:
    """Rows are labels and columns answers; a label that does not occur has no recall."""
    scores = np.eye(7, dtype=np.float32)[[3, 3, 5, 0]]
    labels = np.array([3, 3, 5, 5])
    matrix = confusion_matrix(scores, labels)
    assert matrix.sum() == 4
    assert (matrix[3, 3], matrix[5, 5], matrix[5, 0]) == (2, 1, 1)
    recalls = recall_per_class(scores, labels)
    assert (recalls[3], recalls[5]) == (1, 0.5)
    assert np.isnan(recalls[[0, 1, 2, 4, 6]]).all()
