"""Utterances in memory: coded where they never were, and without silence around them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.voice.clips import load_clips, trim_silence
from models.voice.corpora import nemo, ravdess
from models.voice.features import SAMPLE_RATE_HZ
from tests.models.voice.hummed import hum


def test_load_clips(tmp_path: Path):
    """RAVDESS, which was never coded, also gets an Opus version; silence around speech goes."""
    samples = np.concatenate([np.zeros(16_000), hum(200), np.zeros(16_000)])
    for name in ("03-01-03-01-01-01-01.wav", "TP0_anger_5.wav"):
        soundfile.write(tmp_path / name, samples, SAMPLE_RATE_HZ)
    studio, coded = load_clips([*ravdess(tmp_path), *nemo(tmp_path)], seed=0)
    assert (studio.corpus, studio.label, len(studio.versions)) == ("ravdess", 3, 2)
    assert (coded.corpus, coded.label, len(coded.versions)) == ("nemo", 0, 1)
    assert len(studio.versions[0]) == len(studio.versions[1])
    assert len(studio.versions[0]) / SAMPLE_RATE_HZ == pytest.approx(1.3 + 0.4, abs=0.06)


@pytest.mark.parametrize("length", [0, 1, 300, 16_000])
def test_trim_of_silence(length: int):
    """What holds nothing loud, or hardly anything at all, is left as it is."""
    np.testing.assert_array_equal(trim_silence(np.zeros(length, np.float32)), np.zeros(length))
