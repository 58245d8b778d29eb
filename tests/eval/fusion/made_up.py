"""Scores and moments that nobody expressed, with known shares of right answers."""

from __future__ import annotations

import numpy as np

from eval.fusion.cases import CLEAN
from eval.fusion.rules import Case


def scores_of(labels: np.ndarray, right: float, rng: np.random.Generator) -> np.ndarray:
    """Return scores, float32 (n, 7), most of which favour the label, each by 0.7."""
    chosen = np.where(rng.random(len(labels)) < right, labels, rng.integers(0, 7, len(labels)))
    scores = np.full((len(labels), 7), 0.05, np.float32)
    scores[np.arange(len(labels)), chosen] = 0.7
    return scores


def case_of(voice_right: float = 0.8, face_right: float = 0.5, count: int = 700) -> Case:
    """Return moments of which the voice gets one share right and the face another."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 7
    there = np.ones(count, bool)
    voice, face = (scores_of(labels, right, rng) for right in (voice_right, face_right))
    half = np.arange(count) // 7 % 2
    return Case(
        *("pairs", CLEAN, voice, face, there, there, labels, half),
        *(np.arange(count) % 50, np.arange(count) % 60),
    )
