"""What the voice network hears of the newest sound: speech, as little silence as may be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from models.voice.features import SILENCE_RMS
from models.voice.speech import HEARD_SAMPLES, SHORTEST_SAMPLES, newest_speech

_MARGIN_S = 0.12  # at most left around speech: the margin, a frame and its neighbour


def _sound(*pieces: tuple[float, float]) -> npt.NDArray[np.float32]:
    """Return noise of the given (level, seconds), one after another."""
    rng = np.random.default_rng(0)
    return np.concatenate(
        [level * rng.standard_normal(int(16_000 * s)).astype(np.float32) for level, s in pieces]
    )


def _bounds_s(heard: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Return where what is heard begins and ends, counted back from the newest sample."""
    speech = newest_speech(heard, SILENCE_RMS)
    assert speech is not None
    assert np.shares_memory(speech.samples, heard)
    offset = (speech.samples.ctypes.data - heard.ctypes.data) // heard.itemsize
    end_s = (len(heard) - offset - len(speech.samples)) / 16_000
    assert speech.ended_ago_s == end_s
    return (len(heard) - offset) / 16_000, end_s


def test_while_somebody_speaks() -> None:
    """Speech without a pause: the newest second, to the sample, and no older one."""
    assert _bounds_s(_sound((0.1, 1.5))) == (1.0, 0.0)
    assert _bounds_s(_sound((0.1, 4.0))) == (1.0, 0.0)
    assert _bounds_s(_sound((0.1, 1.0))) == (1.0, 0.0)


def test_after_speech_has_ended() -> None:
    """Four tenths of a second after, it is the second up to the end of speech."""
    begin, end = _bounds_s(_sound((0.1, 1.1), (0.0001, 0.4)))
    assert 0.4 - _MARGIN_S <= end <= 0.4
    assert begin - end == 1.0


def test_before_speech_began() -> None:
    """Three quarters of a second of speech: those and a little before, no second of both."""
    begin, end = _bounds_s(_sound((0.0001, 0.75), (0.1, 0.75)))
    assert end == 0.0
    assert 0.75 < begin <= 0.75 + _MARGIN_S


@pytest.mark.parametrize("newest", [0.1, 0.0001])
def test_a_short_word(newest: float) -> None:
    """Of a word of two tenths of a second half a second is heard, whether more may come or not."""
    heard = _sound((0.0001, 0.8), (0.1, 0.2), (newest, 0.05), (0.0001, 0.45))
    begin, end = _bounds_s(heard)
    assert begin - end == pytest.approx(0.5, abs=0.01)
    assert begin >= 0.7
    assert end <= 0.45 + (newest < 0.01) * 0.05


def test_pauses_within_speech_stay() -> None:
    """Only what lies before and after is left out: a pause between two words is speech, too."""
    begin, end = _bounds_s(_sound((0.1, 0.8), (0.0001, 0.4), (0.1, 0.3)))
    assert (begin, end) == (1.0, 0.0)


def test_speech_of_long_ago_is_not_heard_again() -> None:
    """Where the newest second is silence there is none, whatever was before."""
    assert newest_speech(_sound((0.1, 0.5), (0.0001, 1.0)), SILENCE_RMS) is None
    assert newest_speech(np.zeros(HEARD_SAMPLES, np.float32), SILENCE_RMS) is None


def test_in_a_noisy_place() -> None:
    """Where the noise lies 20 dB below speech nothing is silence: the newest second as it is."""
    assert _bounds_s(_sound((0.01, 0.5), (0.1, 0.5), (0.01, 0.5))) == (1.0, 0.0)


@pytest.mark.parametrize("count", [0, 1, 159, 8_000, 8_001, 8_123, 15_999, 23_999])
def test_any_length(count: int) -> None:
    """Where less than a window was heard, all of it comes back, or half of it if silent."""
    heard = _sound((0.1, 2.0))[:count]
    speech = newest_speech(heard, 0.0)
    assert speech is not None
    assert len(speech.samples) == min(count, 16_000)
    quiet = newest_speech(np.zeros(count, np.float32), 0.0)
    assert quiet is not None
    assert min(count, SHORTEST_SAMPLES) <= len(quiet.samples) <= 16_000
