"""The rules of fusion that are compared, and the fitting of those that learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from eval.fusion.gated_pool import gated_pool
from models.emotions import Scores
from models.fusion import FusionConfig, fuse, linear_pool, log_pool

Parameters = tuple[float, ...]
_W = FusionConfig.w_voice
_LONGEST_POWER = 4.0


@dataclass(frozen=True)
class Rule:
    """One way of fusing scores of shape (n, 7).

    Attributes:
        name: as the table shows it.
        pool: from voice, face and parameters to fused scores.
        parameters: what it uses, or where fitting begins.
        bounds: the range of each parameter that is learned; empty where nothing is.
    """

    name: str
    pool: Callable[..., Scores]
    parameters: Parameters = ()
    bounds: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Case:
    """One condition: what both sides said at n moments, and what is true.

    Attributes:
        data: ``pairs`` or ``clips``.
        condition: what was done to the evidence.
        voice, face: probabilities, float32, shape (n, 7).
        heard, seen: where there is evidence at all, bool, shape (n,); the rest is not looked at.
        labels: indices into ``EMOTIONS``, int64, shape (n,).
        half: 0 or 1, the half of the data; -1 in neither, int64, shape (n,).
        clip, picture: which recording and which picture, int64, shape (n,).
    """

    data: str
    condition: str
    voice: Scores
    face: Scores
    heard: npt.NDArray[np.bool_]
    seen: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.int64]
    half: npt.NDArray[np.int64]
    clip: npt.NDArray[np.int64]
    picture: npt.NDArray[np.int64]


def _served(mode: str) -> Callable[[Scores, Scores], Scores]:
    """Return what the server does with both sides there, by the server's own function."""

    def pool(voice: Scores, face: Scores) -> Scores:
        fused = fuse(voice, face, FusionConfig(mode=mode))
        assert fused is not None
        return fused

    return pool


WEIGHTED = Rule("weighted", _served("weighted"))
RULES = (
    Rule("voice alone", lambda voice, _face: voice),
    Rule("face alone", lambda _voice, face: face),
    WEIGHTED,
    Rule("weighted, learned w", linear_pool, (_W,), ((0.0, 1.0),)),
    Rule("gated by entropy", gated_pool, (_W,)),
    Rule("gated by entropy, learned w", gated_pool, (_W,), ((0.0, 1.0),)),
    Rule("log", _served("log")),
    Rule("log, powers 1 and 1", log_pool, (1.0, 1.0)),
    Rule("log, learned powers", log_pool, (1.0, 1.0), ((0.0, _LONGEST_POWER),) * 2),
)


def fitted(rule: Rule, cases: Sequence[Case], half: int) -> Parameters:
    """Return the parameters to be used on ``half``, learned from the other half alone.

    They minimise the mean negative log-likelihood of the labels where both sides have evidence,
    each case counting the same. For -1, which is in neither half, both are learned from.

    Args:
        rule: whose parameters.
        cases: conditions to learn from.
        half: 0, 1 or -1.
    """
    if not rule.bounds:
        return rule.parameters
    parts = []
    for case in cases:
        rows = case.heard & case.seen & (case.half != half) & (case.half >= 0)
        parts.append((case.voice[rows], case.face[rows], case.labels[rows]))

    def loss(parameters: Sequence[float]) -> float:
        losses = [_log_loss(rule.pool(v, f, *parameters), labels) for v, f, labels in parts]
        return float(np.mean(losses))

    # Scores are float32: too coarse for gradients by differences, which a simplex does without.
    found = minimize(
        loss, rule.parameters, method="Nelder-Mead", bounds=rule.bounds, options={"xatol": 1e-3}
    )
    return tuple(float(value) for value in found.x)


def fuse_case(
    rule: Rule, case: Case, parameters: Mapping[int, Parameters]
) -> npt.NDArray[np.float32]:
    """Return the fused scores, shape (n, 7), each half by its own parameters.

    Where one side has no evidence the other stands alone, as it does live under every rule.
    """
    fused = np.where(case.heard[:, None], case.voice, case.face)
    for half in np.unique(case.half).tolist():
        rows = case.heard & case.seen & (case.half == half)
        fused[rows] = rule.pool(case.voice[rows], case.face[rows], *parameters[half])
    return fused


def _log_loss(scores: Scores, labels: npt.NDArray[np.int64]) -> float:
    of_label = scores[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(of_label, 1e-6)).mean())
