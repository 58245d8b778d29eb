"""Pairs of clips and pictures: of one class, seeded, as many as asked."""

from __future__ import annotations

import numpy as np

from eval.pairs import draw_pairs

VOICE = np.array([0, 0, 3, 3, 3, 5])
FACE = np.array([3, 0, 0, 0, 0, 6])


def test_both_sides_of_a_pair_carry_the_same_label() -> None:
    """Each class that both sides have gives as many pairs as asked, of that class alone."""
    pairs = draw_pairs(VOICE, FACE, 4, seed=0)
    assert (pairs.dtype, pairs.shape) == (np.int64, (8, 2))
    assert VOICE[pairs[:, 0]].tolist() == FACE[pairs[:, 1]].tolist() == [0] * 4 + [3] * 4


def test_zero_draws_as_many_as_the_longer_side_has() -> None:
    """With zero a class gives as many pairs as it has clips or pictures, whichever is more."""
    labels = VOICE[draw_pairs(VOICE, FACE, 0, seed=0)[:, 0]]
    assert labels.tolist() == [0] * 4 + [3] * 3


def test_the_seed_fixes_the_pairs() -> None:
    """One seed gives the same pairs each time, another gives others."""
    first = draw_pairs(VOICE, FACE, 20, seed=1).tolist()
    assert first == draw_pairs(VOICE, FACE, 20, seed=1).tolist()
    assert first != draw_pairs(VOICE, FACE, 20, seed=2).tolist()


def test_no_common_class_gives_no_pairs() -> None:
    """Where the sides share no class the pairs are empty but keep their shape."""
    assert draw_pairs(np.array([0]), np.array([1]), 5, seed=0).shape == (0, 2)
