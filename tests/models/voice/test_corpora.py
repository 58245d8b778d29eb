"""Emotional speech in the three layouts, with recordings made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from models.emotions import EMOTIONS, Emotion
from models.voice.corpora import Utterance, nemo, ravdess, read_speech, tess
from tests.media import synthetic_speech

RATE_HZ = 16_000


def write(path: Path, samples: npt.NDArray[np.float32] | None = None) -> None:
    """Write a recording, of a tenth of a second of silence if nothing else is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(1600, np.float32) if samples is None else samples, RATE_HZ)


@pytest.mark.parametrize(
    ("code", "emotion"),
    [
        ("01", "neutral"),
        ("02", "neutral"),  # calm
        ("03", "happy"),
        ("04", "sad"),
        ("05", "angry"),
        ("06", "fear"),
        ("07", "disgust"),
        ("08", "surprise"),
    ],
)
@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_ravdess(tmp_path: Path, code: str, emotion: str, suffix: str):
    """The third field of a RAVDESS name is the emotion, calm being neutral; the last the actor."""
    path = tmp_path / "Actor_09" / f"03-01-{code}-02-01-02-09{suffix}"
    write(path)
    (utterance,) = ravdess(tmp_path)
    assert utterance == Utterance(path, "ravdess", "9", Emotion(emotion))
    assert EMOTIONS[utterance.label] == emotion


def test_ravdess_speech_only(tmp_path: Path):
    """Songs, videos, unknown emotions and other files of the same folders are no speech."""
    for name in ("03-02-03-01-01-01-01", "01-01-03-01-01-01-01", "03-01-09-01-01-01-01", "notes"):
        write(tmp_path / "Actor_01" / f"{name}.wav")
    (tmp_path / "Actor_01" / "03-01-03-01-01-01-01.txt").write_text("no recording")
    assert ravdess(tmp_path) == ()


@pytest.mark.parametrize(
    ("name", "speaker", "emotion"),
    [
        ("OAF_beg_sad.ogg", "OAF", "sad"),
        ("YAF_red_ps.wav", "YAF", "surprise"),
        ("YAF_hash_disgust.flac", "YAF", "disgust"),
        ("OAF_back_fear.WAV", "OAF", "fear"),
        ("OAF_back_angry.wav", "OAF", "angry"),
        ("OAF_back_happy.wav", "OAF", "happy"),
        ("OAF_back_neutral.wav", "OAF", "neutral"),
        ("OA_bite_neutral.wav", "OAF", "neutral"),
    ],
)
def test_tess(tmp_path: Path, name: str, speaker: str, emotion: str):
    """TESS names hold speaker, word and emotion, `ps` being surprise; one lacks the speaker's F."""
    write(tmp_path / "TESS" / name)
    (utterance,) = tess(tmp_path)
    assert (utterance.corpus, utterance.speaker) == ("tess", speaker)
    assert utterance.emotion == emotion


@pytest.mark.parametrize(
    ("name", "speaker", "emotion"),
    [
        ("TP0_anger_5.ogg", "TP0", "angry"),
        ("EB0_sadness_78.wav", "EB0", "sad"),
        ("KS0_happiness_5.flac", "KS0", "happy"),
        ("IC0_surprised_42.ogg", "IC0", "surprise"),
        ("MK0_neutral_26.ogg", "MK0", "neutral"),
        ("WR0_fear_66.ogg", "WR0", "fear"),
    ],
)
def test_nemo(tmp_path: Path, name: str, speaker: str, emotion: str):
    """Names of nEMO hold speaker, emotion and number."""
    write(tmp_path / name)
    (utterance,) = nemo(tmp_path)
    assert (utterance.corpus, utterance.speaker) == ("nemo", speaker)
    assert utterance.emotion == emotion


def test_corpora_side_by_side(tmp_path: Path):
    """Each reader takes its own corpus out of a common folder, sorted, and leaves the others."""
    for name in (
        "b/03-01-03-01-01-01-02.wav",
        "a/03-01-05-01-01-01-01.wav",
        "OAF_beg_sad.wav",
        "TP0_anger_5.wav",
    ):
        write(tmp_path / name)
    assert [u.speaker for u in ravdess(tmp_path)] == ["1", "2"]
    assert [u.speaker for u in tess(tmp_path)] == ["OAF"]
    assert [u.speaker for u in nemo(tmp_path)] == ["TP0"]


def test_48_khz_stereo(tmp_path: Path):
    """A 48 kHz stereo recording reads as its 16 kHz mono copy, which reads as it was written."""
    tone_s = np.arange(48_000) / 48_000
    tone = 0.3 * np.sin(2 * np.pi * 440 * tone_s) + 0.2 * np.sin(2 * np.pi * 3000 * tone_s)
    stereo = np.stack([tone * 1.5, tone * 0.5], axis=1)
    soundfile.write(tmp_path / "stereo.wav", stereo, 48_000, subtype="FLOAT")
    soundfile.write(tmp_path / "mono.flac", tone[::3], RATE_HZ)  # nothing in it is above 8 kHz
    given, copy = read_speech(tmp_path / "stereo.wav"), read_speech(tmp_path / "mono.flac")
    assert given.shape == copy.shape == (RATE_HZ,)
    assert given.dtype == copy.dtype == np.float32
    np.testing.assert_allclose(copy, tone[::3], atol=1e-4)
    np.testing.assert_allclose(given[200:-200], copy[200:-200], atol=2e-3)  # ends ring


def test_no_aliases(tmp_path: Path):
    """A tone above 8 kHz, which 16 kHz cannot hold, is gone and not folded down."""
    tone = 0.5 * np.sin(2 * np.pi * 11_000 * np.arange(48_000) / 48_000)
    soundfile.write(tmp_path / "high.wav", tone, 48_000)
    assert np.abs(read_speech(tmp_path / "high.wav")[200:-200]).max() < 1e-3


def test_compressed(tmp_path: Path):
    """Ogg Opus, in which two of the corpora are stored here, reads at 16 kHz in [-1, 1]."""
    speech = synthetic_speech(1.0)[::3].astype(np.float32) / 32768
    soundfile.write(tmp_path / "x.ogg", speech, RATE_HZ, format="OGG", subtype="OPUS")
    given = read_speech(tmp_path / "x.ogg")
    assert abs(len(given) - len(speech)) < 400
    assert 0.05 < np.abs(given).max() <= 1


def test_no_recording(tmp_path: Path):
    """A file that is no recording raises soundfile's error."""
    (tmp_path / "x.wav").write_bytes(b"no recording")
    with pytest.raises(soundfile.LibsndfileError):
        read_speech(tmp_path / "x.wav")
