"""Recordings that arrive as they would, frame by frame, but noisy or badly lit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import scipy.signal

from eval.fusion.cases import CLEAN, DAMAGED, altered_sound
from eval.fusion.degraded import damaged
from models.voice.features import SAMPLE_RATE_HZ
from rtc.arrivals import Arrival
from rtc.recording import Recording
from rtc.video import rgb_of

_FACE_SHARE = 0.2  # of a picture's width: what a face has of it before a webcam
_FULL_SCALE = 32768  # of signed 16-bit samples


class AlteredRecording(Recording):
    """A recording whose frames arrive when they would, but worse."""

    def __init__(self, path: Path, sound: str, picture: str, seed: int) -> None:
        """Open ``path``, as ``Recording`` does.

        Args:
            path: of the file.
            sound: the condition of the voice, of those in ``DEGRADED``.
            picture: the condition of the face.
            seed: of the noise.
        """
        super().__init__(path)
        self._sound = sound
        self._picture = picture
        self._seed = seed

    def arrivals(self) -> Iterator[Arrival]:
        """Yield all frames in the order in which they arrive, as ``Recording`` does."""
        noise = None if self._sound == CLEAN else self._noise()
        rng = np.random.default_rng(self._seed)
        heard = 0
        for arrival in super().arrivals():
            frame = arrival.frame
            if isinstance(frame, av.AudioFrame) and noise is not None:
                frame = _noisy(frame, noise[heard : heard + frame.samples])
                heard += frame.samples
            elif isinstance(frame, av.VideoFrame) and self._picture == DAMAGED:
                frame = _damaged(frame, rng)
            yield replace(arrival, frame=frame)

    def _noise(self) -> npt.NDArray[np.float32]:
        """Return what is added to the sound, full scale being 1, at the rate of the arrivals.

        Noise goes by all of the speech. It is made at the rate at which the network hears, so that
        none of it lies where the network hears nothing.
        """
        whole = Recording(self.path).arrivals()
        frames = [one.frame for one in whole if isinstance(one.frame, av.AudioFrame)]
        if not frames:
            return np.zeros(0, np.float32)
        rate_hz = frames[0].sample_rate
        sound = np.concatenate([_mono(frame) for frame in frames])
        heard = scipy.signal.resample_poly(sound, SAMPLE_RATE_HZ, rate_hz).astype(np.float32)
        added = altered_sound(self._sound, np.random.default_rng(self._seed))(heard) - heard
        noise: npt.NDArray[np.float32] = scipy.signal.resample_poly(added, rate_hz, SAMPLE_RATE_HZ)
        return noise[: len(sound)]


def _mono(frame: av.AudioFrame) -> npt.NDArray[np.float32]:
    packed = frame.to_ndarray().reshape(frame.samples, -1)
    mono: npt.NDArray[np.float32] = packed.mean(axis=1, dtype=np.float32) / _FULL_SCALE
    return mono


def _noisy(frame: av.AudioFrame, noise: npt.NDArray[np.float32]) -> av.AudioFrame:
    """Add noise, shape (samples,), to every channel of a packed 16-bit frame."""
    channels = len(frame.layout.channels)
    sound = frame.to_ndarray() + np.repeat(noise, channels) * _FULL_SCALE
    clipped = np.clip(np.round(sound), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
    noisy = av.AudioFrame.from_ndarray(clipped, format="s16", layout=frame.layout.name)
    noisy.sample_rate, noisy.pts, noisy.time_base = frame.sample_rate, frame.pts, frame.time_base
    return noisy


def _damaged(frame: av.VideoFrame, rng: np.random.Generator) -> av.VideoFrame:
    picture = rgb_of(frame)
    worse = damaged(picture, _FACE_SHARE * picture.shape[1], rng)
    return av.VideoFrame.from_ndarray(worse, format="rgb24")
