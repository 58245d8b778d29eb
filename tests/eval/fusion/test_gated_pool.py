"""Gating by certainty, against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from eval.fusion.gated_pool import certainty, gated_pool

FACE = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], np.float32)
EVEN = np.full(7, 1 / 7, np.float32)
TWO = np.array([0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0], np.float32)


def test_certainty():
    """Even scores have certainty 0, a certain one 1, and two equal ones 1 - log 2 / log 7."""
    found = certainty(np.stack([EVEN, FACE, TWO]))
    np.testing.assert_allclose(found[:, 0], [0, 1, 0.643793], atol=1e-6)


def test_gated_weights():
    """Weights are multiplied by certainties: 0.6 * 0.643793 against 0.4 * 1."""
    w_voice = 0.6 * 0.643793 / (0.6 * 0.643793 + 0.4)
    scores = gated_pool(TWO, FACE, 0.6)
    np.testing.assert_allclose(scores, w_voice * TWO + (1 - w_voice) * FACE, atol=1e-6)


def test_an_unsure_side_is_gated_out():
    """A side that is sure of nothing does not count; if neither is, the result is as even."""
    np.testing.assert_allclose(gated_pool(EVEN, FACE, 0.6), FACE, atol=1e-5)
    np.testing.assert_allclose(gated_pool(EVEN, EVEN, 0.6), EVEN, atol=1e-6)


@pytest.mark.parametrize("w_voice", [0.0, 0.5, 1.0])
def test_stays_on_the_simplex(w_voice: float):
    """Whatever both sides say, the result is probabilities in float32."""
    said = np.random.default_rng(0).dirichlet(np.full(7, 0.3), (2, 200)).astype(np.float32)
    fused = gated_pool(said[0], said[1], w_voice)
    assert fused.dtype == np.float32
    assert fused.min() >= 0
    np.testing.assert_allclose(fused.sum(axis=1), 1, atol=1e-5)
