"""Sound of any kind becomes 16 kHz mono, and no threads."""

from __future__ import annotations

import av
import numpy as np
import psutil
import pytest

from models.voice.features import SAMPLE_RATE_HZ
from rtc.resampling import MonoResampler


def _tone(rate_hz: int, layout: str, seconds: float = 1.0) -> av.AudioFrame:
    """A tone of 440 Hz at half of full scale, equal in all channels."""
    wave = 16_384 * np.sin(2 * np.pi * 440 * np.arange(int(rate_hz * seconds)) / rate_hz)
    channels = 2 if layout == "stereo" else 1
    samples = np.repeat(wave.astype(np.int16), channels)[None]
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
    frame.sample_rate = rate_hz
    return frame


def _joined(frames: list[av.AudioFrame]) -> np.ndarray:
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


@pytest.mark.parametrize("layout", ["mono", "stereo"])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
def test_it_is_as_pyav_does_it(rate_hz: int, layout: str) -> None:
    """To the sample the same as av.AudioResampler's, whatever comes in."""
    frames = [_tone(rate_hz, layout, 0.5) for _ in range(3)]
    reference = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
    expected = [out for frame in frames for out in reference.resample(frame)]
    resampler = MonoResampler(SAMPLE_RATE_HZ)
    converted = [out for frame in frames for out in resampler.resample(frame)]
    assert np.array_equal(_joined(converted), _joined(expected))


def test_a_change_of_kind_begins_anew() -> None:
    """When rate or channels change between two frames, the tone goes on in the new ones."""
    resampler = MonoResampler(SAMPLE_RATE_HZ)
    for rate_hz, layout in ((48_000, "stereo"), (8_000, "mono"), (48_000, "mono")):
        (converted,) = resampler.resample(_tone(rate_hz, layout))
        assert (converted.sample_rate, converted.layout.name) == (SAMPLE_RATE_HZ, "mono")
        assert abs(converted.samples - SAMPLE_RATE_HZ) < 200
        level = np.sqrt(np.mean(converted.to_ndarray()[0].astype(np.float64) ** 2))
        assert level == pytest.approx(16_384 / np.sqrt(2), rel=0.02)


def test_it_takes_no_thread() -> None:
    """Twenty people's sound is converted without a thread more in the process."""
    before = psutil.Process().num_threads()
    resamplers = [MonoResampler(SAMPLE_RATE_HZ) for _ in range(20)]
    for resampler in resamplers:
        assert resampler.resample(_tone(48_000, "stereo"))
    assert psutil.Process().num_threads() <= before
