"""Results that tell of nothing or of little, for tests of what carries and counts them."""

from __future__ import annotations

import numpy as np

from models.emotions import EMOTIONS, Scores
from models.tracker import Box, Estimate, Evidence
from rtc.messages import EmotionMessage, message_from
from rtc.moments import Moment


def empty_result(sequence: int = 0, time_ms: int = 0) -> EmotionMessage:
    """Return what a server says of somebody who is neither heard nor seen."""
    return EmotionMessage(
        sequence=sequence,
        time_ms=time_ms,
        evidence="none",
        voice=None,
        face=None,
        fused=None,
        top5=(),
        audio_level=0.0,
        latency_ms=None,
        picture_time_ms=None,
        sound_time_ms=None,
    )


def _scores(leading: str) -> Scores:
    return np.array([0.64 if emotion == leading else 0.06 for emotion in EMOTIONS], np.float32)


def moment_of(time_s: float, voice: str | None, face: str | None, *, looked: bool = True) -> Moment:
    """Return a moment in which voice and face lean to an emotion, or are not there."""
    heard = Evidence(_scores(voice), time_s) if voice else None
    seen = Evidence(_scores(face), time_s, Box(0.1, 0.2, 0.3, 0.4)) if face else None
    message = message_from(
        Estimate(heard, seen, heard or seen),
        sequence=0,
        now=time_s,
        time_ms=round(time_s * 1000),
        audio_level=0.05,
        picture=None,
        sound=None,
    )
    return Moment(time_s, message, heard=True, looked=looked, voiced=bool(voice), found=bool(face))
