"""The rolling window, and what becomes of sound on its way into it."""

from __future__ import annotations

import numpy as np

from models.voice.features import rms
from rtc.audio import AudioConsumer, RollingWindow
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


async def test_sound_becomes_16_khz_mono_of_the_same_level() -> None:
    """Resampling to 16 kHz keeps the level of speech within 2 % and ends when the track ends."""
    speech = synthetic_speech(2.0)
    track = SoundTrack(speech)
    track._interval_s = 0.0
    consumer = AudioConsumer(track, lambda: 7.0)
    track._packets = track._packets[:100]
    original = track.recv

    async def recv_once() -> object:
        if track.sent == 100:
            track.stop()
        return await original()

    track.recv = recv_once
    await consumer.run()
    expected = speech[SOUND_RATE_HZ : 2 * SOUND_RATE_HZ].astype(np.float32) / 32768
    assert consumer.captured_at == 7.0
    assert consumer.window.filled == 16_000
    assert abs(rms(consumer.window.newest(16_000)) / rms(expected) - 1) < 0.02
