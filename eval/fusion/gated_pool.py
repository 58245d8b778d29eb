"""A way to fuse that was compared and is not served: each side counts as far as it is sure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.emotions import EMOTIONS, Scores


def gated_pool(voice: Scores, face: Scores, w_voice: float) -> Scores:
    """Return the weighted mean in which each side's weight is multiplied by its own certainty.

    Where neither side is sure of anything the weights stay as they are.

    Args:
        voice: probabilities, floating point, shape (..., 7).
        face: the same.
        w_voice: how much the voice counts, in [0, 1], where both sides are as sure.

    Returns:
        Probabilities of the same shape in float32.
    """
    of_voice = w_voice * certainty(voice)
    of_both = of_voice + (1 - w_voice) * certainty(face)
    gated = np.divide(of_voice, of_both, out=np.full_like(of_both, w_voice), where=of_both > 0)
    fused: Scores = (gated * voice + (1 - gated) * face).astype(np.float32)
    return fused


def certainty(scores: Scores) -> npt.NDArray[np.float64]:
    """Return 1 less the entropy as a share of its maximum: 0 if all are equal, 1 if one is 1.

    Of probabilities, shape (..., 7); the result has shape (..., 1).
    """
    p = scores.astype(np.float64)
    logarithms = np.log(p, out=np.zeros_like(p), where=p > 0)
    entropy = -(p * logarithms).sum(axis=-1, keepdims=True)
    found: npt.NDArray[np.float64] = np.clip(1 - entropy / np.log(len(EMOTIONS)), 0, 1)
    return found
