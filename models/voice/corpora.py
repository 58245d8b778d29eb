"""Read the emotional speech corpora RAVDESS, TESS and nEMO in the layouts they are published in."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.signal
import soundfile

from models.emotions import EMOTIONS, Emotion, emotion_named
from models.voice.features import SAMPLE_RATE_HZ

# Third field of a RAVDESS file name (Livingstone and Russo, PLOS ONE 2018); calm counts as neutral.
_RAVDESS_EMOTIONS: dict[str, str] = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgust",
    "08": "surprised",
}
_SPEECH_SUFFIXES = frozenset({".wav", ".flac", ".ogg"})

_FULL_SCALE = 32768  # of signed 16-bit samples


@dataclass(frozen=True)
class Utterance:
    """One labelled recording of one speaker."""

    path: Path
    corpus: str
    speaker: str
    emotion: Emotion

    @property
    def label(self) -> int:
        """The index of the emotion in ``EMOTIONS``."""
        return EMOTIONS.index(self.emotion)


def ravdess(root: Path) -> tuple[Utterance, ...]:
    """List RAVDESS speech (``Actor_NN/03-01-EE-II-SS-RR-AA.*``); speakers are actor numbers."""
    found = []
    for path in _recordings(root):
        fields = path.stem.split("-")
        if len(fields) != 7 or fields[0] != "03" or fields[1] != "01":
            continue
        if fields[2] in _RAVDESS_EMOTIONS:
            emotion = emotion_named(_RAVDESS_EMOTIONS[fields[2]])
            found.append(Utterance(path, "ravdess", str(int(fields[6])), emotion))
    return tuple(found)


def tess(root: Path) -> tuple[Utterance, ...]:
    """List the Toronto emotional speech set (``OAF_word_emotion.*``)."""
    return tuple(
        # The published set writes one speaker in two ways: OAF, and OA in a few names.
        Utterance(path, "tess", "YAF" if match[1] == "YAF" else "OAF", emotion_named(match[2]))
        for path in _recordings(root)
        if (match := re.fullmatch(r"(OAF|OA|YAF)_\w+_([a-z]+)", path.stem))
    )


def nemo(root: Path) -> tuple[Utterance, ...]:
    """List nEMO, Polish emotional speech (``SPEAKER_emotion_N.*``)."""
    return tuple(
        Utterance(path, "nemo", match[1], emotion_named(match[2]))
        for path in _recordings(root)
        if (match := re.fullmatch(r"([A-Z]{2,3}\d+)_([a-z]+)_\d+", path.stem))
    )


def add_corpus_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that ``utterances_named_by`` reads."""
    parser.add_argument("--ravdess", type=Path, required=True, help="folder with Actor_NN folders")
    parser.add_argument("--tess", type=Path, help="folder of TESS, optional")
    parser.add_argument("--nemo", type=Path, help="folder of nEMO, optional")


def utterances_named_by(
    given: argparse.Namespace,
) -> tuple[tuple[Utterance, ...], tuple[Utterance, ...]]:
    """Return the utterances of RAVDESS and those of the other corpora that flags name."""
    others = tess(given.tess) if given.tess else ()
    return ravdess(given.ravdess), others + (nemo(given.nemo) if given.nemo else ())


def read_speech(path: Path) -> npt.NDArray[np.float32]:
    """Read a recording as float32 in [-1, 1], shape (n,), 16 kHz mono.

    Raises:
        soundfile.LibsndfileError: the file is no readable recording.
    """
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    if rate_hz != SAMPLE_RATE_HZ:
        # A gentle filter, like those of the published 16 kHz copies: what lies between 7.7 and
        # 8 kHz moves the highest MFCC, and a steep one takes it away.
        mono = scipy.signal.resample_poly(mono, SAMPLE_RATE_HZ, rate_hz)
        # In 16 bits, as these copies and live sound are: in pauses, the rest of a step is heard.
        mono = (mono * _FULL_SCALE).round().clip(-_FULL_SCALE, _FULL_SCALE - 1) / _FULL_SCALE
    return np.ascontiguousarray(mono, np.float32)


def _recordings(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.rglob("*")) if path.suffix.lower() in _SPEECH_SUFFIXES)
