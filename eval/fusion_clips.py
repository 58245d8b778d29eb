"""Recordings with voice and face, read as the live server reads them, under each condition."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from eval.degraded import damaged
from eval.fusion_cases import DAMAGED, DEGRADED, altered_sound
from eval.fusion_rules import Case
from models.emotions import EMOTIONS, Emotion, emotion_named
from models.loading import LoadedModels
from models.tracker import EmotionTracker, Estimate
from models.voice.features import SAMPLE_RATE_HZ, WINDOW_SAMPLES, rms
from rtc.config import SessionConfig
from rtc.video import rgb_of

Rgb = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.float32]

_FACE_SHARE = 0.2  # of a picture's width: what a face has of it before a webcam


def labelled_clips(folder: Path) -> list[tuple[Path, Emotion]]:
    """List the recordings whose names begin with an emotion, as ``angry_man.mp4`` does."""
    found = []
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        try:
            found.append((path, emotion_named(path.stem.partition("_")[0])))
        except ValueError:
            continue
    return found


def clip_cases(folder: Path, models: LoadedModels, seed: int) -> list[Case]:
    """Return a case for each condition, of all half seconds of the clips that have both sides.

    Clips that cannot be read, or that never show both, are named on standard error.
    """
    config = SessionConfig()
    clips = []
    for number, (path, emotion) in enumerate(labelled_clips(folder)):
        try:
            sound, pictures = read_clip(path, config.tick_interval_s)
        except (av.FFmpegError, IndexError, ValueError) as error:
            print(f"{path}: left out, it cannot be read: {error}", file=sys.stderr)
            continue
        plain = list(estimates(sound, pictures, models, config))
        if not any(estimate.voice and estimate.face for estimate in plain):
            print(f"{path}: left out, it never has voice and face at once", file=sys.stderr)
            continue
        clips.append((number, EMOTIONS.index(emotion), sound, pictures))
    cases = []
    for condition, (heard, seen) in DEGRADED.items() if clips else ():
        rng = np.random.default_rng(seed)
        moments: list[tuple[Estimate, int, int]] = []
        for number, label, sound, pictures in clips:
            worse = altered_sound(heard, rng)(sound)
            shown = [_altered(seen, rng)(picture) for picture in pictures]
            moments += [
                (estimate, label, number)
                for estimate in estimates(worse, shown, models, config)
                if estimate.voice or estimate.face
            ]
        if moments:
            cases.append(_case(condition, moments))
    return cases


def read_clip(path: Path, interval_s: float) -> tuple[Samples, list[Rgb]]:
    """Read sound, float32 at 16 kHz, and the newest picture every ``interval_s`` seconds.

    Raises:
        av.FFmpegError, IndexError, ValueError: the file is no recording of sound and pictures.
    """
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
        parts = [
            out.to_ndarray()[0]
            for frame in [*container.decode(audio=0), None]
            for out in resampler.resample(frame)
        ]
    pictures: list[Rgb] = []
    with av.open(str(path)) as container:
        newest = None
        for frame in container.decode(video=0):
            while newest is not None and frame.time > interval_s * (len(pictures) + 1):
                pictures.append(rgb_of(newest))
            newest = frame
        if newest is not None and newest.time >= interval_s * (len(pictures) + 1):
            pictures.append(rgb_of(newest))
    return np.concatenate(parts).astype(np.float32) / 32768, pictures


def estimates(
    sound: Samples, pictures: list[Rgb], models: LoadedModels, config: SessionConfig
) -> Iterator[Estimate]:
    """Run the server's windows, silence threshold and tracker over a clip, tick by tick."""
    tracker = EmotionTracker(config.tracker)
    for tick, picture in enumerate(pictures, start=1):
        now = tick * config.tick_interval_s
        end = int(now * SAMPLE_RATE_HZ)
        window = sound[max(0, end - WINDOW_SAMPLES) : end]
        if (
            len(window) >= config.min_window_s * SAMPLE_RATE_HZ
            and rms(window) >= config.silence_rms
        ):
            tracker.add_voice(models.voice.predict([window])[0], now)
        (reading,) = models.face.predict([partial(np.asarray, picture)])
        if reading is not None:
            tracker.add_face(reading.scores, reading.box, now)
        yield tracker.estimate(now)


def _altered(condition: str, rng: np.random.Generator) -> Callable[[Rgb], Rgb]:
    if condition == DAMAGED:
        return lambda picture: damaged(picture, _FACE_SHARE * picture.shape[1], rng)
    return lambda picture: picture


def _case(condition: str, moments: list[tuple[Estimate, int, int]]) -> Case:
    nothing = np.zeros(len(EMOTIONS), np.float32)
    labels, numbers = (
        np.array(column, np.int64) for column in list(zip(*moments, strict=True))[1:]
    )
    return Case(
        data="clips",
        condition=condition,
        voice=np.stack([e.voice.scores if e.voice else nothing for e, _, _ in moments]),
        face=np.stack([e.face.scores if e.face else nothing for e, _, _ in moments]),
        heard=np.array([e.voice is not None for e, _, _ in moments]),
        seen=np.array([e.face is not None for e, _, _ in moments]),
        labels=labels,
        half=np.full(len(moments), -1, np.int64),
        clip=numbers,
        picture=np.arange(len(moments)),
    )
