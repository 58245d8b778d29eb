"""Gating by certainty, against cases worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from eval.gated_pool import entropy_certainty, gated_pool, peak_certainty
from models.emotions import Scores

FACE = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], np.float32)
EVEN = np.full(7, 1 / 7, np.float32)
ANGRY = np.array([0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], np.float32)


def test_peak_certainty():
    """Even scores have certainty 0, a certain one 1, and a peak of 0.4 has (2.8 - 1) / 6."""
    certainty = peak_certainty(np.stack([EVEN, FACE, ANGRY]))
    np.testing.assert_allclose(certainty[:, 0], [0, 1, 0.3], atol=1e-6)


def test_entropy_certainty():
    """Even scores have certainty 0, a certain one 1, and two equal ones 1 - log 2 / log 7."""
    two = np.array([0.5, 0.5, 0, 0, 0, 0, 0], np.float32)
    certainty = entropy_certainty(np.stack([EVEN, FACE, two]))
    np.testing.assert_allclose(certainty[:, 0], [0, 1, 0.643793], atol=1e-6)


def test_gated_weights():
    """Weights are multiplied by certainties: 0.6 * 0.3 against 0.4 * 1 is 9 to 20."""
    scores = gated_pool(ANGRY, FACE, 0.6, peak_certainty)
    np.testing.assert_allclose(scores, (9 * ANGRY + 20 * FACE) / 29, atol=1e-6)


@pytest.mark.parametrize("certainty", [peak_certainty, entropy_certainty])
def test_an_unsure_side_is_gated_out(certainty: Callable[[Scores], Scores]):
    """A side that is sure of nothing does not count; if neither is, the result is as even."""
    np.testing.assert_allclose(gated_pool(EVEN, FACE, 0.6, certainty), FACE, atol=1e-5)
    np.testing.assert_allclose(gated_pool(EVEN, EVEN, 0.6, certainty), EVEN, atol=1e-6)


@pytest.mark.parametrize("certainty", [peak_certainty, entropy_certainty])
@pytest.mark.parametrize("w_voice", [0.0, 0.5, 1.0])
def test_stays_on_the_simplex(certainty: Callable[[Scores], Scores], w_voice: float):
    """Whatever both sides say, the result is probabilities in float32."""
    said = np.random.default_rng(0).dirichlet(np.full(7, 0.3), (2, 200)).astype(np.float32)
    fused = gated_pool(said[0], said[1], w_voice, certainty)
    assert fused.dtype == np.float32
    assert fused.min() >= 0
    np.testing.assert_allclose(fused.sum(axis=1), 1, atol=1e-5)
