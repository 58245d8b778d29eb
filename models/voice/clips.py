"""Recorded utterances in memory, as training hears them: without silence around, and coded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from models.voice import corpora
from models.voice.augment import opus_round_trip
from models.voice.features import SAMPLE_RATE_HZ, SPEECH_DB, Samples


@dataclass(frozen=True)
class Clip:
    """One utterance in memory.

    Attributes:
        label: index into ``EMOTIONS``.
        versions: float32 at 16 kHz, shape (n,): as recorded and, of RAVDESS, as Opus leaves it.
    """

    corpus: str
    speaker: str
    label: int
    versions: tuple[Samples, ...]


def trim_silence(
    samples: Samples, margin_s: float = 0.2, below_peak_db: float = SPEECH_DB
) -> Samples:
    """Cut both ends where they are ``below_peak_db`` quieter than the loudest 25 ms."""
    frame = SAMPLE_RATE_HZ // 40
    count = max(1, len(samples) // frame)
    squares = np.resize(samples, count * frame).reshape(count, frame) ** 2
    levels = np.sqrt(squares.mean(axis=1))
    loud = np.flatnonzero(levels > levels.max() * 10 ** (-below_peak_db / 20))
    if loud.size == 0:
        return samples
    margin = int(margin_s * SAMPLE_RATE_HZ)
    start = max(0, int(loud[0]) * frame - margin)
    return samples[start : (int(loud[-1]) + 1) * frame + margin]


def load_clips(utterances: Sequence[corpora.Utterance], seed: int) -> list[Clip]:
    """Read utterances; those of RAVDESS, which were never coded, also get an Opus version."""
    rng = np.random.default_rng(seed)
    clips = []
    for utterance in tqdm(utterances, desc="reading", leave=False):
        samples = trim_silence(corpora.read_speech(utterance.path))
        versions = [samples]
        if utterance.corpus == "ravdess":
            versions.append(opus_round_trip(samples, rng.uniform(0.5, 1.0)))
        clips.append(Clip(utterance.corpus, utterance.speaker, utterance.label, tuple(versions)))
    return clips
