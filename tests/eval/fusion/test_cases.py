"""Pairs and conditions of the comparison of fusions, on made-up scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eval.fusion.cases import DEGRADED, Side, by_certainty, pair_cases
from tests.eval.fusion.made_up import case_of, scores_of


def side(seed: int, count: int) -> Side:
    """Return a side with scores under each condition, and labels and halves in disorder."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % 7)
    conditions = {name for both in DEGRADED.values() for name in both}
    scores = {name: scores_of(labels, 0.6, rng) for name in sorted(conditions)}
    return Side(scores, labels, rng.integers(0, 2, count), broken=0)


def test_pairs_share_label_and_half():
    """Each pair is of one label and of one half, both halves occur, and every condition has all."""
    voice, face = side(1, 70), side(2, 210)
    cases = pair_cases(voice, face, per_class=5, seed=0)
    assert [case.condition for case in cases] == list(DEGRADED)
    for case in cases:
        assert len(case.labels) == 2 * 7 * 5
        assert np.bincount(case.half).tolist() == [35, 35]
        np.testing.assert_array_equal(voice.labels[case.clip], case.labels)
        np.testing.assert_array_equal(face.labels[case.picture], case.labels)
        np.testing.assert_array_equal(voice.half[case.clip], case.half)
        np.testing.assert_array_equal(face.half[case.picture], case.half)
        sound, sight = DEGRADED[case.condition]
        np.testing.assert_array_equal(case.voice, voice.scores[sound][case.clip])
        np.testing.assert_array_equal(case.face, face.scores[sight][case.picture])


def test_certainty_divides_moments():
    """A side is surer where its highest probability is 0.2 above the other's."""
    case = case_of(count=4)
    peaks = np.array([[0.9, 0.5], [0.5, 0.9], [0.6, 0.5], [0.5, 0.6]])
    voice, face = (np.zeros((4, 7), np.float32) for _ in range(2))
    voice[:, 0], voice[:, 1] = peaks[:, 0], 1 - peaks[:, 0]
    face[:, 0], face[:, 2] = peaks[:, 1], 1 - peaks[:, 1]
    face[3] = np.eye(7)[4]
    cases = by_certainty(replace(case, voice=voice, face=face))
    rows = {c.condition: c.picture.tolist() for c in cases}
    assert rows == {
        "clean, voice surer": [0],
        "clean, face surer": [1, 3],
        "clean, they disagree": [3],
    }
