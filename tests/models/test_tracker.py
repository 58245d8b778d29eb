"""One person's state over time, against cases worked out by hand; the clock is the test's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.emotions import EMOTIONS, Emotion, Scores
from models.fusion import FusionConfig
from models.smoothing import SmoothingConfig
from models.tracker import Box, EmotionTracker, Evidence, TrackerConfig

LEFT, RIGHT = Box(0.1, 0.2, 0.3, 0.4), Box(0.6, 0.2, 0.3, 0.4)


def scores(**shares: float) -> Scores:
    """Return scores with the given shares; the other emotions have none."""
    return np.array([shares.get(emotion, 0.0) for emotion in EMOTIONS], np.float32)


HAPPY, SAD = scores(happy=1), scores(sad=1)


def tracker(w_voice: float = 0.6) -> EmotionTracker:
    """Return a tracker that averages two results of the voice and three of the face."""
    return EmotionTracker(
        TrackerConfig(
            voice=SmoothingConfig(length=2, memory_s=4.0, hold_s=2.0),
            face=SmoothingConfig(length=3, memory_s=4.0, hold_s=1.0),
            fusion=FusionConfig(w_voice),
        )
    )


def test_nothing_yet():
    """Before any result there is no evidence for anything."""
    estimate = tracker().estimate(0.0)
    assert (estimate.voice, estimate.face, estimate.fused) == (None, None, None)


def test_voice_and_face_fused():
    """Each side is smoothed by itself, then both are fused: 0.6 * voice + 0.4 * face."""
    state = tracker()
    state.add_voice(HAPPY, 1.0)
    state.add_voice(SAD, 1.5)
    state.add_face(HAPPY, LEFT, 1.2)
    estimate = state.estimate(1.6)
    assert estimate.voice is not None
    assert estimate.face is not None
    assert estimate.fused is not None
    np.testing.assert_allclose(estimate.voice.scores, scores(happy=0.5, sad=0.5))
    np.testing.assert_allclose(estimate.face.scores, HAPPY)
    np.testing.assert_allclose(estimate.fused.scores, scores(happy=0.7, sad=0.3), rtol=1e-6)
    assert estimate.fused.label is Emotion.HAPPY


def test_capture_times():
    """Evidence carries the capture time of the newest result in it; fused, of either side's."""
    state = tracker()
    state.add_voice(HAPPY, 1.0)
    state.add_voice(HAPPY, 1.5)
    state.add_face(SAD, LEFT, 1.75)
    estimate = state.estimate(2.5)
    assert estimate.voice is not None
    assert estimate.face is not None
    assert estimate.fused is not None
    times = [e.captured_at for e in (estimate.voice, estimate.face, estimate.fused)]
    assert times == [1.5, 1.75, 1.75]


@pytest.mark.parametrize("w_voice", [0.0, 0.6, 1.0])
def test_voice_alone(w_voice: float):
    """Without a face the voice stands alone, whatever its weight, and no box is given."""
    state = tracker(w_voice)
    state.add_voice(SAD, 1.0)
    estimate = state.estimate(1.0)
    assert estimate.face is None
    assert estimate.voice is not None
    assert estimate.fused is not None
    np.testing.assert_array_equal(estimate.fused.scores, SAD)
    assert estimate.fused.captured_at == 1.0
    assert (estimate.voice.box, estimate.fused.box) == (None, None)


def test_face_held_for_less_time():
    """A face that is gone leaves the estimate at its own limit, while the voice is still held."""
    state = tracker()
    state.add_voice(SAD, 1.0)
    state.add_face(HAPPY, LEFT, 1.0)
    held = state.estimate(2.0)
    assert held.face is not None
    gone = state.estimate(2.25)
    assert gone.face is None
    assert gone.fused is not None
    np.testing.assert_array_equal(gone.fused.scores, SAD)
    over = state.estimate(3.25)
    assert (over.voice, over.face, over.fused) == (None, None, None)


def test_another_face_starts_anew():
    """A face that comes after a pause has nothing of the one before, neither scores nor box."""
    state = tracker()
    state.add_face(HAPPY, LEFT, 1.0)
    assert state.estimate(2.25).face is None
    state.add_face(SAD, RIGHT, 2.5)
    face = state.estimate(2.5).face
    assert face is not None
    np.testing.assert_array_equal(face.scores, SAD)
    assert face.box == RIGHT


def test_box_of_newest_face():
    """The box is that of the newest face, although the scores are a mean."""
    state = tracker()
    state.add_face(HAPPY, LEFT, 1.0)
    state.add_face(SAD, RIGHT, 1.5)
    face = state.estimate(1.5).face
    assert face is not None
    np.testing.assert_allclose(face.scores, scores(happy=0.5, sad=0.5))
    assert face.box == RIGHT


def test_late_face():
    """A face that comes late changes neither scores nor box nor time."""
    state = tracker()
    state.add_face(HAPPY, LEFT, 1.5)
    state.add_face(SAD, RIGHT, 1.0)
    face = state.estimate(1.5).face
    assert face is not None
    np.testing.assert_array_equal(face.scores, HAPPY)
    assert (face.box, face.captured_at) == (LEFT, 1.5)


def test_another_weight():
    """A new weight holds from the next estimate, for what was there before: 0.25 and 0.75."""
    state = tracker()
    state.add_voice(HAPPY, 1.0)
    state.add_face(SAD, LEFT, 1.0)
    state.configure(replace(state.config, fusion=FusionConfig(0.25)))
    estimate = state.estimate(1.0)
    assert estimate.fused is not None
    assert estimate.face is not None
    np.testing.assert_allclose(estimate.fused.scores, scores(happy=0.25, sad=0.75))
    assert estimate.face.box == LEFT
    assert state.config.fusion.w_voice == 0.25


def test_another_length():
    """Each side's K is its own: the face's goes from three to one, the voice's two stay."""
    state = tracker()
    for at in (1.0, 1.5):
        state.add_voice(HAPPY if at == 1.0 else SAD, at)
        state.add_face(HAPPY if at == 1.0 else SAD, LEFT, at)
    state.configure(replace(state.config, face=SmoothingConfig(length=1, memory_s=4.0, hold_s=1.0)))
    estimate = state.estimate(1.5)
    assert estimate.voice is not None
    assert estimate.face is not None
    np.testing.assert_allclose(estimate.voice.scores, scores(happy=0.5, sad=0.5))
    np.testing.assert_array_equal(estimate.face.scores, SAD)
    state.configure(
        replace(state.config, voice=SmoothingConfig(length=1, memory_s=4.0, hold_s=2.0))
    )
    voice = state.estimate(1.5).voice
    assert voice is not None
    np.testing.assert_array_equal(voice.scores, SAD)


def test_configured_alone():
    """Of two trackers that began alike, one that is configured does not change the other."""
    config = TrackerConfig()
    one, other = EmotionTracker(config), EmotionTracker(config)
    one.configure(replace(config, fusion=FusionConfig(0.0)))
    for state in (one, other):
        state.add_voice(HAPPY, 1.0)
        state.add_face(SAD, LEFT, 1.0)
    theirs = other.estimate(1.0).fused
    assert theirs is not None
    np.testing.assert_allclose(theirs.scores, scores(happy=0.6, sad=0.4), rtol=1e-6)
    assert (one.config.fusion.w_voice, other.config) == (0.0, TrackerConfig())


def test_trackers_share_nothing():
    """What one person expresses is not seen in another's estimate."""
    one, other = tracker(), tracker()
    one.add_voice(SAD, 1.0)
    assert other.estimate(1.0).fused is None


def test_ranked():
    """The five most probable emotions come best first, each with its own probability."""
    evidence = Evidence(
        scores(angry=0.05, disgust=0.3, fear=0.1, happy=0.02, neutral=0.08, sad=0.4, surprise=0.05),
        captured_at=0.0,
    )
    ranked = evidence.ranked(5)
    names = [emotion for emotion, _ in ranked]
    assert names == ["sad", "disgust", "fear", "neutral", "angry"]
    assert [share for _, share in ranked] == pytest.approx([0.4, 0.3, 0.1, 0.08, 0.05])
    assert all(type(share) is float for _, share in ranked)
    assert evidence.label is Emotion.SAD


def test_defaults():
    """As the server ships: five results of the voice, ten of the face, the voice counts 0.6."""
    config = TrackerConfig()
    assert (config.voice.length, config.face.length) == (5, 10)
    assert config.fusion.w_voice == 0.6
