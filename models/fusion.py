"""Late fusion of voice and face: the weighted mean that is the default, and other pools.

The pools below take probabilities of one or more moments, floating point, shape (..., 7), and
give probabilities of the same shape in float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.emotions import Scores

FUSION_MODES = ("weighted", "log")

# In a product a zero of one side would overrule whatever the other says. No network here is so
# good that what it rules out happens less often than once in a thousand.
_LEAST_PROBABILITY = 1e-3


@dataclass(frozen=True)
class FusionConfig:
    """How voice and face become one.

    Attributes:
        w_voice: how much the voice counts, in [0, 1]; the face has the rest.
        mode: ``weighted``, ``final = w_voice * voice + (1 - w_voice) * face``; or ``log``, the
            logarithmic opinion pool: a product of powers in the same proportion.
    """

    w_voice: float = 0.6
    mode: str = "weighted"

    def __post_init__(self) -> None:
        if not 0 <= self.w_voice <= 1:
            raise ValueError(f"w_voice must be between 0 and 1, not {self.w_voice}")
        if self.mode not in FUSION_MODES:
            raise ValueError(f"fusion must be {' or '.join(FUSION_MODES)}, not {self.mode!r}")


def fuse(voice: Scores | None, face: Scores | None, config: FusionConfig) -> Scores | None:
    """Return fused probabilities; where one side is None the other stands alone."""
    if voice is None:
        return face
    if face is None:
        return voice
    if config.mode == "log":
        return log_pool(voice, face, *log_exponents(config.w_voice))
    return linear_pool(voice, face, config.w_voice)


def linear_pool(voice: Scores, face: Scores, w_voice: float) -> Scores:
    """Return ``w_voice * voice + (1 - w_voice) * face``, the linear opinion pool (Stone 1961)."""
    fused: Scores = (w_voice * voice + (1 - w_voice) * face).astype(np.float32, copy=False)
    return fused


def log_pool(voice: Scores, face: Scores, voice_power: float, face_power: float) -> Scores:
    """Return ``voice ** voice_power * face ** face_power``, normalised; both powers >= 0.

    The logarithmic opinion pool (Genest and Zidek, Statistical Science 1986). With both powers 1
    it is Bayes' rule for sides that are independent given the emotion, all emotions being equally
    likely beforehand. Probabilities below 0.001 count as 0.001.
    """
    logarithms = voice_power * _floored_log(voice) + face_power * _floored_log(face)
    product = np.exp(logarithms - logarithms.max(axis=-1, keepdims=True))
    fused: Scores = (product / product.sum(axis=-1, keepdims=True)).astype(np.float32)
    return fused


def log_exponents(w_voice: float) -> tuple[float, float]:
    """Return the powers of voice and face: as w_voice to the rest, the greater one being 1.

    So the side that counts more counts in full, as it does when it stands alone, and sides that
    count the same are taken together by Bayes' rule. Powers that sum to 1 would choose the same
    emotion, but would leave two sides that say the same no surer than one of them.
    """
    greater = max(w_voice, 1 - w_voice)
    return w_voice / greater, (1 - w_voice) / greater


def _floored_log(scores: Scores) -> npt.NDArray[np.float64]:
    logarithms: npt.NDArray[np.float64] = np.log(
        np.maximum(scores.astype(np.float64), _LEAST_PROBABILITY)
    )
    return logarithms
