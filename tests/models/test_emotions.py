"""The seven emotions: their order, their names elsewhere, and scores put in order by name."""

from __future__ import annotations

import numpy as np
import pytest

from models.emotions import EMOTIONS, Emotion, canonical_order, emotion_named, softmax

HSEMOTION = ("Anger", "Disgust", "Fear", "Happiness", "Neutral", "Sadness", "Surprise")
SHUFFLED = ("surprised", "calm", "sad", "Happy", "ANGRY", " fearful ", "disgust")


def test_order():
    """The canonical order is alphabetical and never changes, as weights depend on it."""
    names = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
    assert [str(emotion) for emotion in EMOTIONS] == names


@pytest.mark.parametrize(
    ("label", "emotion"),
    [
        *((str(emotion), emotion) for emotion in Emotion),
        ("anger", Emotion.ANGRY),
        ("disgusted", Emotion.DISGUST),
        ("fearful", Emotion.FEAR),
        ("happiness", Emotion.HAPPY),
        ("calm", Emotion.NEUTRAL),
        ("sadness", Emotion.SAD),
        ("surprised", Emotion.SURPRISE),
        ("ps", Emotion.SURPRISE),
        (" Happiness\n", Emotion.HAPPY),
        ("SAD", Emotion.SAD),
    ],
)
def test_name_elsewhere(label: str, emotion: Emotion):
    """Each name that data sets and networks use is understood, in any case and spacing."""
    assert emotion_named(label) is emotion


@pytest.mark.parametrize("label", ["contempt", "", "happy sad", "0", "neutral1"])
def test_unknown_name(label: str):
    """A label that names none of the seven is refused, and the message repeats it."""
    with pytest.raises(ValueError, match=repr(label)):
        emotion_named(label)


@pytest.mark.parametrize("labels", [HSEMOTION, SHUFFLED, tuple(reversed(EMOTIONS))])
def test_scores_land_on_their_names(labels: tuple[str, ...]):
    """A network's scores, whatever its order, end up under the emotions its labels name."""
    scores = np.array([0.02, 0.04, 0.08, 0.1, 0.16, 0.2, 0.4], np.float32)
    wanted = {emotion_named(label): score for label, score in zip(labels, scores, strict=True)}
    ordered = scores[list(canonical_order(labels))]
    assert dict(zip(EMOTIONS, ordered, strict=True)) == wanted


def test_order_of_hsemotion():
    """HSEmotion's seven classes stand in our order already."""
    assert canonical_order(HSEMOTION) == (0, 1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    "labels",
    [
        HSEMOTION[:6],
        (*HSEMOTION[:6], "Contempt"),
        (*HSEMOTION[:6], "Anger"),
        (*HSEMOTION, "Happy"),
        ("neutral", "calm", *HSEMOTION[:5]),
        (),
    ],
)
def test_other_labels(labels: tuple[str, ...]):
    """Labels of which one is missing, foreign or double are refused."""
    with pytest.raises(ValueError, match="angry, disgust, fear, happy, neutral, sad, surprise"):
        canonical_order(labels)


def test_softmax_by_hand():
    """Logits ln 1 to ln 7 become 1/28 to 7/28, for each row of a batch by itself."""
    logits = np.log(np.arange(1, 8, dtype=np.float32))
    probabilities = softmax(np.stack([logits, logits[::-1]]))
    wanted = np.arange(1, 8) / 28
    np.testing.assert_allclose(probabilities, [wanted, wanted[::-1]], rtol=1e-6)
    assert probabilities.dtype == np.float32


def test_softmax_of_large_logits():
    """Logits beyond what exp can take neither overflow nor vanish."""
    assert softmax(np.array([1e4, 0, 0, 0, 0, 0, -1e4])).tolist() == [1, 0, 0, 0, 0, 0, 0]
