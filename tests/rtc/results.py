"""Results that tell of nothing, for tests of what carries them."""

from __future__ import annotations

from rtc.messages import EmotionMessage


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
