"""The rolling window, and what becomes of sound on its way into it."""

from __future__ import annotations

import av
import numpy as np

from models.voice.features import rms
from models.voice.speech import HEARD_SAMPLES
from rtc.audio import NewestSound, RollingWindow
from tests.media import SOUND_RATE_HZ, SoundTrack, synthetic_speech


def test_the_window_keeps_the_newest_samples_in_order() -> None:
    """After more samples than fit, the newest are there, oldest first."""
    window = RollingWindow(10)
    for start in range(0, 24, 4):
        window.add(np.arange(start, start + 4, dtype=np.float32))
    assert window.newest(10).tolist() == list(range(14, 24))
    assert window.newest(3).tolist() == [21, 22, 23]
    assert (window.filled, window.added) == (10, 24)


def test_a_window_that_is_not_full_gives_what_it_has() -> None:
    """Before a whole second has come, only what came is given."""
    window = RollingWindow(10)
    window.add(np.ones(4, np.float32))
    assert window.newest(10).tolist() == [1, 1, 1, 1]


def test_one_addition_longer_than_the_window_keeps_its_end() -> None:
    """Of a very long packet the newest samples stay."""
    window = RollingWindow(5)
    window.add(np.arange(3, dtype=np.float32))
    window.add(np.arange(100, 112, dtype=np.float32))
    assert window.newest(5).tolist() == [107, 108, 109, 110, 111]


def test_what_newest_returns_is_a_copy() -> None:
    """A window handed to the inference thread does not change while more sound arrives."""
    window = RollingWindow(4)
    window.add(np.zeros(4, np.float32))
    taken = window.newest(4)
    window.add(np.ones(4, np.float32))
    assert taken.tolist() == [0, 0, 0, 0]


def _frame(rate_hz: int, layout: str, milliseconds: int = 20) -> av.AudioFrame:
    channels = {"mono": 1, "stereo": 2}[layout]
    samples = np.full((1, rate_hz * milliseconds // 1000 * channels), 8000, np.int16)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
    frame.sample_rate = rate_hz
    return frame


def _heard(timed: list[tuple[float, av.AudioFrame]]) -> NewestSound:
    """Sound of frames, each of which arrived at its time."""
    times = iter(at for at, _ in timed)
    sound = NewestSound(lambda: next(times))
    for _, frame in timed:
        sound.put(frame)
    return sound


def test_a_peer_may_change_its_codec() -> None:
    """Frames of another rate and other channels are taken like those before."""
    sound = _heard(
        [(0.02 * n, _frame(48_000, "stereo")) for n in range(10)]
        + [(0.2 + 0.02 * n, _frame(8_000, "mono")) for n in range(10)]
    )
    assert 5_500 < sound.window.filled <= 6_400


def test_sound_from_before_a_gap_is_forgotten() -> None:
    """After two seconds without sound the window begins anew; after a short pause it goes on."""
    times = [0.0, 0.02, 0.04, 0.3, 2.3, 2.32]
    sound = _heard([(at, _frame(16_000, "mono")) for at in times])
    assert sound.window.filled == 2 * 320


def test_the_level_of_sound_that_stopped_is_zero() -> None:
    """While sound comes its level is given; half a second after the last it is 0."""
    sound = _heard([(0.02 * n, _frame(16_000, "mono")) for n in range(5)])
    assert abs(sound.level(0.1) - 8000 / 32768) < 0.01
    assert sound.level(1.0) == 0


async def test_sound_becomes_16_khz_mono_of_the_same_level() -> None:
    """Resampling to 16 kHz keeps the level of speech within 2 %."""
    speech = synthetic_speech(2.0)
    track = SoundTrack(speech)
    track._interval_s = 0.0
    sound = NewestSound(lambda: 7.0)
    for _ in range(100):
        sound.put(await track.recv())
    expected = speech[SOUND_RATE_HZ : 2 * SOUND_RATE_HZ].astype(np.float32) / 32768
    assert (sound.captured_at, sound.media_time_s) == (7.0, 2.0)
    assert sound.window.filled == HEARD_SAMPLES
    assert abs(rms(sound.window.newest(16_000)) / rms(expected) - 1) < 0.02
