"""Which stretch of the newest sound the voice network hears: a second of speech, not of silence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.voice.features import SAMPLE_RATE_HZ, SPEECH_DB, WINDOW_SAMPLES, Samples, rms

# So much is kept of the newest sound: a whole second of speech is in it until half a second after.
HEARD_SAMPLES = WINDOW_SAMPLES * 3 // 2
SHORTEST_SAMPLES = WINDOW_SAMPLES // 2  # of what is returned, when as much was heard

_FRAME_SAMPLES = SAMPLE_RATE_HZ // 100
_MARGIN_SAMPLES = SAMPLE_RATE_HZ // 10  # left around speech, for sounds that begin or end quietly
_HOP_SAMPLES = WINDOW_SAMPLES // 2  # the live server's tick


@dataclass(frozen=True)
class Speech:
    """What is heard of the newest sound.

    Attributes:
        samples: float32 in [-1, 1] at 16 kHz, shape (n,): a view of it.
        ended_ago_s: how long before the newest sample it ends.
    """

    samples: Samples
    ended_ago_s: float = 0.0


def voiced_windows(samples: Samples, silence_rms: float) -> list[Samples]:
    """Return what the live server hears of a recording every 0.5 s, from 1 s on.

    Seconds of silence are left out; where all are silent the loudest stays.

    Args:
        samples: float32 in [-1, 1] at 16 kHz, shape (n,); of less than a second, zeros follow.
        silence_rms: see ``newest_speech``.

    Returns:
        Float32 arrays of shape (m,), each m from ``SHORTEST_SAMPLES`` to ``WINDOW_SAMPLES``.
    """
    if len(samples) < WINDOW_SAMPLES:
        samples = np.pad(samples, (0, WINDOW_SAMPLES - len(samples)))
    ends = range(WINDOW_SAMPLES, len(samples) + 1, _HOP_SAMPLES)
    spoken = [newest_speech(samples[:end], silence_rms) for end in ends]
    seconds = (samples[end - WINDOW_SAMPLES : end] for end in ends)
    return [speech.samples for speech in spoken if speech is not None] or [max(seconds, key=rms)]


def newest_speech(heard: Samples, silence_rms: float) -> Speech | None:
    """Return the newest second up to where speech ended, without the silence before it.

    What is ``SPEECH_DB`` quieter than the loudest of the newest second is silence here.
    In a noisy place nothing is, so there the newest second is returned as it is.

    Args:
        heard: the newest sound, float32 in [-1, 1] at 16 kHz, shape (n,); of more than
            ``HEARD_SAMPLES`` the newest are used.
        silence_rms: where the root mean square of the newest second is lower, nobody speaks.

    Returns:
        ``SHORTEST_SAMPLES`` to ``WINDOW_SAMPLES`` of it, or all where there is less, or None for
        silence.
    """
    heard = heard[-HEARD_SAMPLES:]
    if rms(heard[-WINDOW_SAMPLES:]) < silence_rms:
        return None
    if len(heard) <= SHORTEST_SAMPLES:
        return Speech(heard)
    # Whole frames, counted from the newest sample, so that the oldest few may be left over.
    before = len(heard) % _FRAME_SAMPLES
    levels = _levels(heard[before:])
    loudest = levels[-WINDOW_SAMPLES // _FRAME_SAMPLES :].max()
    spoken = before + _FRAME_SAMPLES * np.flatnonzero(levels >= loudest * 10 ** (-SPEECH_DB / 20))
    end = min(len(heard), int(spoken[-1]) + _FRAME_SAMPLES + _MARGIN_SAMPLES)
    start = max(0, end - WINDOW_SAMPLES)
    first = int(spoken[spoken >= start][0])
    start = max(0, min(max(start, first - _MARGIN_SAMPLES), end - SHORTEST_SAMPLES))
    end = max(end, start + SHORTEST_SAMPLES)
    return Speech(heard[start:end], (len(heard) - end) / SAMPLE_RATE_HZ)


def _levels(samples: Samples) -> npt.NDArray[np.float32]:
    """Return the root mean square of frames of 10 ms, each with its neighbours."""
    squares = np.square(samples, dtype=np.float32).reshape(-1, _FRAME_SAMPLES).mean(axis=1)
    smooth = np.convolve(squares, np.full(3, 1 / 3, np.float32), "same")
    levels: npt.NDArray[np.float32] = np.sqrt(smooth)
    return levels
