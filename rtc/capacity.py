"""How many people a process can serve, from what a result costs on its machine."""

from __future__ import annotations

# A process is bound to one core's worth by the interpreter's lock. Some of it is kept for set-up.
_SHARE_USED = 0.85
# What it takes to receive a second of a person's sound and pictures, as the page sends them, and to
# decode and answer, in the time of one voice result: measured with python -m eval.bench.
_RECEIVING_IN_VOICE_RESULTS = 8.3


def sessions_within_one_core(voice_s: float, face_s: float, interval_s: float) -> int:
    """Return how many sessions one core serves; at least 1.

    Args:
        voice_s: processor time of a voice result.
        face_s: the same of a face result.
        interval_s: between results.
    """
    session_s = (voice_s + face_s) / interval_s + _RECEIVING_IN_VOICE_RESULTS * voice_s
    return max(1, int(_SHARE_USED / session_s))
