"""What the shipped networks see and hear in real pictures and recordings: guards the weights."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from models.emotions import EMOTIONS, Emotion
from models.face.crop import normalised
from models.face.fer2013 import read_split
from models.face.predictor import Look
from models.loading import LoadedModels
from models.tracker import Evidence
from models.voice.corpora import Utterance, ravdess, read_speech
from models.voice.features import SILENCE_RMS
from models.voice.speech import voiced_windows
from tests.media import DATA, NO_RECORDINGS

FER_TEST = DATA / "fer2013" / "test"
RAVDESS = DATA / "ravdess"
UNSEEN_ACTORS = range(17, 21)


def labels_by_class(labels: np.ndarray, per_class: int) -> np.ndarray:
    """Return indices of as many examples of each class, drawn with a fixed seed."""
    rng = np.random.default_rng(0)
    classes = [np.flatnonzero(labels == label) for label in range(len(EMOTIONS))]
    return np.concatenate([rng.choice(rows, per_class, replace=False) for rows in classes])


@pytest.mark.skipif(not FER_TEST.exists(), reason=NO_RECORDINGS)
def test_face_on_unseen_pictures(models: LoadedModels):
    """Of forty test pictures of each class six in ten are classified as they are labelled."""
    split = read_split(FER_TEST)
    rows = labels_by_class(split.labels, 40)
    face_input = models.classifier.input
    scores = models.classifier.classify_both_ways(
        [normalised(split.images[row][..., None], face_input) for row in rows]
    )
    assert np.mean(np.argmax(scores, axis=1) == split.labels[rows]) >= 0.6


def mean_scores(models: LoadedModels, utterance: Utterance) -> np.ndarray:
    """Return the mean over what the server would hear, every half second."""
    windows = voiced_windows(read_speech(utterance.path), SILENCE_RMS)
    return np.mean(models.voice.predict(windows), axis=0)


@pytest.mark.skipif(not RAVDESS.exists(), reason=NO_RECORDINGS)
def test_voice_of_unseen_speakers(models: LoadedModels):
    """Of eight clips of each class, by speakers never trained on, at least half are right."""
    clips = [u for actor in UNSEEN_ACTORS for u in ravdess(RAVDESS / f"Actor_{actor}")]
    rows = labels_by_class(np.array([clip.label for clip in clips]), 8)
    hits = [mean_scores(models, clips[row]).argmax() == clips[row].label for row in rows]
    assert np.mean(hits) >= 0.5


def test_face_in_photograph(models: LoadedModels):
    """In a photograph the smiling woman's face is found and read as happy."""
    photograph = skimage.data.astronaut()
    (reading,) = models.face.predict([Look(lambda: photograph)])
    assert reading is not None
    assert Evidence(reading.scores, 0.0).label is Emotion.HAPPY


def test_pictures_keep_their_places(models: LoadedModels):
    """In a batch of pictures each reading stands where its picture stood, None for no face."""
    photograph = skimage.data.astronaut()
    grey = np.full_like(photograph, 128)
    mirrored = np.ascontiguousarray(photograph[:, ::-1])
    pictures = [grey, photograph, grey, mirrored]
    readings = models.face.predict([Look(lambda p=picture: p) for picture in pictures])  # type: ignore[misc]
    assert [reading is not None for reading in readings] == [False, True, False, True]
    one, other = readings[1], readings[3]
    assert one is not None
    assert other is not None
    assert one.box.x < 0.5 < other.box.x + other.box.width
    alone = models.face.predict([Look(lambda: mirrored)])[0]
    assert alone is not None
    np.testing.assert_allclose(other.scores, alone.scores, atol=1e-5)


def test_no_pictures(models: LoadedModels):
    """No pictures give no readings."""
    assert models.face.predict([]) == []
