"""Recordings in the shapes they come in: other rates, stereo, empty, broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from eval.windows import clip_scores, picture_scores, readable, window_scores
from models.loading import LoadedModels
from models.smoothing import pooled
from models.voice.features import SILENCE_RMS
from tests.media import DATA, NO_RECORDINGS, SOUND_RATE_HZ, synthetic_speech


@pytest.mark.skipif(not DATA.is_dir(), reason=NO_RECORDINGS)
def test_originals_stereo_and_16_khz_copies_score_the_same(
    models: LoadedModels, tmp_path: Path
) -> None:
    """48 kHz wav as published, made stereo, and 16 kHz flac: same answers, to a point."""
    originals = sorted((DATA / "ravdess_original_48khz").rglob("*.wav"))
    assert len(originals) == 8
    small = [DATA / "ravdess" / path.parent.name / f"{path.stem}.flac" for path in originals]
    stereo = []
    for path in originals:
        sound, rate_hz = soundfile.read(path)
        assert rate_hz == SOUND_RATE_HZ
        stereo.append(tmp_path / path.name)
        soundfile.write(stereo[-1], np.stack([sound, sound], axis=1), rate_hz)
    # What the network says is compared, before several windows make a clip surer than one.
    of_originals, of_stereo, of_small = (
        np.array(
            [window_scores(readable(p), models.voice, SILENCE_RMS).mean(axis=0) for p in paths]
        )
        for paths in (originals, stereo, small)
    )
    assert np.abs(of_stereo - of_originals).max() < 1e-4
    assert np.abs(of_small - of_originals).max() < 0.01
    ranked = np.sort(of_originals, axis=1)
    decided = ranked[:, -1] - ranked[:, -2] > 0.02
    assert decided.sum() >= 6
    same = of_small.argmax(axis=1) == of_originals.argmax(axis=1)
    assert same[decided].all()
    assert len(set(of_originals.argmax(axis=1))) > 3


def test_what_holds_no_sound_is_told_apart(models: LoadedModels, tmp_path: Path) -> None:
    """A damaged, an empty and a nonsensical file give None, the sound one among them scores."""
    damaged, empty, endless, fine = (tmp_path / f"{name}.wav" for name in "abcd")
    damaged.write_bytes(b"RIFF nothing")
    soundfile.write(empty, np.zeros(0), 48_000)
    soundfile.write(endless, np.full(9_000, np.inf), 48_000, subtype="FLOAT")
    soundfile.write(fine, synthetic_speech(2.0), SOUND_RATE_HZ)
    scores = clip_scores([damaged, empty, endless, fine], models.voice, SILENCE_RMS)
    assert scores[:3] == [None, None, None]
    assert scores[3].sum() == pytest.approx(1, abs=1e-5)


def test_a_recording_has_scores_of_each_window(models: LoadedModels, tmp_path: Path) -> None:
    """2.6 s give four windows; pooled, they are what the clip scores."""
    path = tmp_path / "speech.wav"
    soundfile.write(path, synthetic_speech(2.6), SOUND_RATE_HZ)
    samples = readable(path)
    whole = window_scores(samples, models.voice, SILENCE_RMS)
    assert (whole.shape, whole.dtype) == ((4, 7), np.float32)
    (of_clip,) = clip_scores([path], models.voice, SILENCE_RMS)
    np.testing.assert_allclose(of_clip, pooled(whole, models.voice.gain), atol=1e-6)


def test_pictures_keep_their_order_in_batches(models: LoadedModels) -> None:
    """Five pictures in batches of two have the scores that each has alone."""
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 48), np.uint8)
    scores = picture_scores(images, models.classifier, batch_pictures=2)
    assert (scores.shape, scores.dtype) == ((5, 7), np.float32)
    alone = np.concatenate([picture_scores(image[None], models.classifier) for image in images])
    np.testing.assert_allclose(scores, alone, atol=1e-5)
    assert len(np.unique(scores.round(5), axis=0)) == 5
