"""The seven emotions, in the one order that every score vector in this project uses."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
"""Probabilities, shape (7,), float32 in [0, 1], summing to 1, in the order of ``EMOTIONS``."""


class Emotion(StrEnum):
    """An apparent expression. The order of the members is the canonical order."""

    ANGRY = "angry"
    DISGUST = "disgust"
    FEAR = "fear"
    HAPPY = "happy"
    NEUTRAL = "neutral"
    SAD = "sad"
    SURPRISE = "surprise"


EMOTIONS: tuple[Emotion, ...] = tuple(Emotion)

# The names under which data sets and published networks write these classes.
_SYNONYMS: dict[str, Emotion] = {
    "anger": Emotion.ANGRY,
    "disgusted": Emotion.DISGUST,
    "fearful": Emotion.FEAR,
    "happiness": Emotion.HAPPY,
    "calm": Emotion.NEUTRAL,
    "sadness": Emotion.SAD,
    "surprised": Emotion.SURPRISE,
    "ps": Emotion.SURPRISE,  # "pleasant surprise" in TESS
}


def emotion_named(label: str) -> Emotion:
    """Return the emotion that a foreign label means; case and surrounding space are ignored.

    Raises:
        ValueError: the label names none of the seven emotions.
    """
    name = label.strip().lower()
    if name in _SYNONYMS:
        return _SYNONYMS[name]
    try:
        return Emotion(name)
    except ValueError:
        raise ValueError(f"{label!r} names none of {', '.join(EMOTIONS)}") from None


def canonical_order(labels: Sequence[str]) -> tuple[int, ...]:
    """Return where each canonical emotion stands in a network's own label list.

    ``scores[list(canonical_order(labels))]`` puts that network's output into canonical order.

    Raises:
        ValueError: the labels are not the seven emotions, each once.
    """
    named = [emotion_named(label) for label in labels]
    if sorted(named) != sorted(EMOTIONS):
        raise ValueError(f"expected each of {', '.join(EMOTIONS)} once, got {', '.join(labels)}")
    return tuple(named.index(emotion) for emotion in EMOTIONS)


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Turn logits, shape (..., 7), into probabilities along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: npt.NDArray[np.float32] = shifted / shifted.sum(axis=-1, keepdims=True)
    return probabilities.astype(np.float32, copy=False)
