"""Late fusion, against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.fusion import FusionConfig, fuse

VOICE = np.array([0.5, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0], np.float32)
FACE = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], np.float32)


@pytest.mark.parametrize(
    ("w_voice", "wanted"),
    [
        (0.0, [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
        (0.6, [0.3, 0.06, 0.06, 0.46, 0.06, 0.06, 0.0]),
        (1.0, [0.5, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0]),
    ],
)
def test_weights(w_voice: float, wanted: list[float]):
    """The voice counts w_voice and the face the rest; the result is float32 and sums to 1."""
    fused = fuse(VOICE, FACE, FusionConfig(w_voice))
    assert fused is not None
    np.testing.assert_allclose(fused, wanted, atol=1e-7)
    assert fused.sum() == pytest.approx(1, abs=1e-6)
    assert fused.dtype == np.float32


def test_default_weight():
    """Unless told otherwise, the voice counts 0.6."""
    assert FusionConfig() == FusionConfig(0.6)


@pytest.mark.parametrize("w_voice", [0.0, 0.6, 1.0])
def test_one_side_missing(w_voice: float):
    """Where one side is missing the other stands alone, whatever its weight."""
    config = FusionConfig(w_voice)
    np.testing.assert_array_equal(fuse(VOICE, None, config), VOICE)
    np.testing.assert_array_equal(fuse(None, FACE, config), FACE)


def test_both_missing():
    """Nothing and nothing is no evidence, not a uniform vector."""
    assert fuse(None, None, FusionConfig()) is None


@pytest.mark.parametrize("w_voice", [-0.01, 1.01, float("nan"), float("inf")])
def test_invalid(w_voice: float):
    """A weight outside 0 to 1 is refused."""
    with pytest.raises(ValueError, match="w_voice"):
        FusionConfig(w_voice)
