"""Which stretch of the newest sound the voice network hears: a second of speech, not of silence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.voice.features import SAMPLE_RATE_HZ, WINDOW_SAMPLES, rms

Samples = npt.NDArray[np.float32]

# So much is kept of the newest sound: a whole second of speech is in it until half a second after.
HEARD_SAMPLES = WINDOW_SAMPLES * 3 // 2
SHORTEST_SAMPLES = WINDOW_SAMPLES // 2  # of what is returned, when as much was heard

_FRAME_SAMPLES = SAMPLE_RATE_HZ // 100
_BELOW_LOUDEST_DB = 35.0  # quieter than speech is by so much, as when training cuts its clips
_MARGIN_SAMPLES = SAMPLE_RATE_HZ // 10  # left around speech, for sounds that begin or end quietly


def newest_speech(heard: Samples, silence_rms: float) -> Samples | None:
    """Return the newest second up to where speech ended, without the silence before it.

    What is ``_BELOW_LOUDEST_DB`` quieter than the loudest of the newest second is silence here.
    In a noisy place nothing is, so there the newest second is returned as it is.

    Args:
        heard: the newest sound, float32 in [-1, 1] at 16 kHz, shape (n,); of more than
            ``HEARD_SAMPLES`` the newest are used.
        silence_rms: where the root mean square of the newest second is lower, nobody speaks.

    Returns:
        A part of ``heard``, ``SHORTEST_SAMPLES`` to ``WINDOW_SAMPLES`` long, or None for silence.
    """
    heard = heard[-HEARD_SAMPLES:]
    if rms(heard[-WINDOW_SAMPLES:]) < silence_rms:
        return None
    if len(heard) <= SHORTEST_SAMPLES:
        return heard
    # Whole frames, counted from the newest sample, so that the oldest few may be left over.
    before = len(heard) % _FRAME_SAMPLES
    levels = _levels(heard[before:])
    loudest = levels[-WINDOW_SAMPLES // _FRAME_SAMPLES :].max(initial=0.0)
    spoken = before + _FRAME_SAMPLES * np.flatnonzero(
        levels >= loudest * 10 ** (-_BELOW_LOUDEST_DB / 20)
    )
    if spoken.size == 0:
        return heard[-WINDOW_SAMPLES:]
    end = min(len(heard), int(spoken[-1]) + _FRAME_SAMPLES + _MARGIN_SAMPLES)
    start = max(0, end - WINDOW_SAMPLES)
    first = int(spoken[spoken >= start][0])
    start = max(0, min(max(start, first - _MARGIN_SAMPLES), end - SHORTEST_SAMPLES))
    return heard[start : max(end, start + SHORTEST_SAMPLES)]


def _levels(samples: Samples) -> npt.NDArray[np.float32]:
    """Return the root mean square of frames of 10 ms, each with its neighbours."""
    squares = np.square(samples, dtype=np.float32).reshape(-1, _FRAME_SAMPLES).mean(axis=1)
    smooth = np.convolve(squares, np.full(3, 1 / 3, np.float32), "same")
    levels: npt.NDArray[np.float32] = np.sqrt(smooth)
    return levels
