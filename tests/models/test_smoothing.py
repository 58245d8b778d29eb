"""Short averages, against cases worked out by hand; times are given, never measured."""

from __future__ import annotations

import numpy as np
import pytest

from models.emotions import EMOTIONS, Emotion, Scores
from models.smoothing import MovingAverage, SmoothingConfig, pooled


def scores(**shares: float) -> Scores:
    """Return scores with the given shares; the other emotions have none."""
    return np.array([shares.get(emotion, 0.0) for emotion in EMOTIONS], np.float32)


HAPPY, SAD, ANGRY = scores(happy=1), scores(sad=1), scores(angry=1)


def average(length: int = 3, memory_s: float = 4.0, hold_s: float = 2.0) -> MovingAverage:
    return MovingAverage(SmoothingConfig(length, memory_s, hold_s))


def share(mean: Scores | None, emotion: Emotion) -> float:
    assert mean is not None
    return float(mean[EMOTIONS.index(emotion)])


def test_nothing_yet():
    """Before the first result there is no evidence."""
    smoothing = average()
    assert smoothing.mean(0.0) is None
    assert smoothing.newest_at is None


def test_mean_by_hand():
    """What is held is averaged with equal weights, as float32."""
    smoothing = average()
    smoothing.add(scores(happy=0.9, sad=0.1), 0.0)
    smoothing.add(scores(happy=0.5, sad=0.5), 0.5)
    mean = smoothing.mean(0.5)
    assert share(mean, Emotion.HAPPY) == pytest.approx(0.7)
    assert share(mean, Emotion.SAD) == pytest.approx(0.3)
    assert mean is not None
    assert mean.dtype == np.float32


def test_a_gain_makes_many_surer_than_one():
    """The mean of n is raised to 1 + gain * (1 - 1/n); one result stays as it is."""
    smoothing = MovingAverage(SmoothingConfig(3, 4.0, 2.0), gain=2.0)
    smoothing.add(scores(happy=0.9, sad=0.1), 0.0)
    assert share(smoothing.mean(0.0), Emotion.HAPPY) == pytest.approx(0.9)
    smoothing.add(scores(happy=0.5, sad=0.5), 0.5)
    assert share(smoothing.mean(0.5), Emotion.HAPPY) == pytest.approx(0.49 / (0.49 + 0.09))
    many = np.stack([scores(happy=0.7, sad=0.3)] * 4)
    happier = 0.7**2.5
    assert share(pooled(many, 2.0), Emotion.HAPPY) == pytest.approx(happier / (happier + 0.3**2.5))
    assert pooled(many, 2.0).dtype == np.float32


def test_last_k():
    """Only the last K results count: of four, the first is gone."""
    smoothing = average(length=3)
    for at, result in enumerate((ANGRY, HAPPY, HAPPY, SAD)):
        smoothing.add(result, at / 10)
    mean = smoothing.mean(0.3)
    np.testing.assert_allclose(mean, scores(happy=2 / 3, sad=1 / 3), rtol=1e-6)


def test_one_result():
    """With K = 1 the newest result is returned as it is."""
    smoothing = average(length=1)
    smoothing.add(HAPPY, 0.0)
    smoothing.add(SAD, 0.1)
    np.testing.assert_array_equal(smoothing.mean(0.1), SAD)


def test_memory():
    """A result older than memory_s leaves the average; one just as old still counts."""
    smoothing = average(memory_s=2.0, hold_s=1.5)
    smoothing.add(HAPPY, 10.0)
    smoothing.add(SAD, 11.0)
    np.testing.assert_allclose(smoothing.mean(12.0), scores(happy=0.5, sad=0.5))
    np.testing.assert_allclose(smoothing.mean(12.25), SAD)


def test_hold():
    """When the newest result is older than hold_s there is no evidence; at hold_s there is."""
    smoothing = average(hold_s=2.0)
    smoothing.add(HAPPY, 10.0)
    np.testing.assert_array_equal(smoothing.mean(12.0), HAPPY)
    assert smoothing.mean(12.25) is None


def test_history_is_forgotten():
    """After a pause longer than hold_s the next result does not begin with what was before."""
    smoothing = average(memory_s=10.0, hold_s=2.0)
    smoothing.add(HAPPY, 0.0)
    assert smoothing.mean(3.0) is None
    smoothing.add(SAD, 3.5)
    np.testing.assert_array_equal(smoothing.mean(3.5), SAD)


def test_history_is_forgotten_unasked():
    """The same holds when nobody asked for the mean during the pause."""
    smoothing = average(memory_s=10.0, hold_s=2.0)
    smoothing.add(HAPPY, 0.0)
    smoothing.add(SAD, 3.5)
    np.testing.assert_array_equal(smoothing.mean(3.5), SAD)


def test_shortened():
    """When K shrinks the newest K results stay, and the next takes the place of the oldest."""
    smoothing = average(length=4)
    for at, result in enumerate((ANGRY, ANGRY, HAPPY, SAD)):
        smoothing.add(result, at / 10)
    smoothing.configure(SmoothingConfig(2, 4.0, 2.0))
    np.testing.assert_allclose(smoothing.mean(0.3), scores(happy=0.5, sad=0.5))
    assert smoothing.newest_at == 0.3
    smoothing.add(SAD, 0.4)
    np.testing.assert_array_equal(smoothing.mean(0.4), SAD)


def test_lengthened():
    """When K grows all that was held stays, and results are added up to the new K."""
    smoothing = average(length=2)
    for at, result in enumerate((ANGRY, HAPPY, SAD)):
        smoothing.add(result, at / 10)
    smoothing.configure(SmoothingConfig(3, 4.0, 2.0))
    np.testing.assert_allclose(smoothing.mean(0.2), scores(happy=0.5, sad=0.5))
    smoothing.add(SAD, 0.3)
    np.testing.assert_allclose(smoothing.mean(0.3), scores(happy=1 / 3, sad=2 / 3), rtol=1e-6)
    smoothing.add(SAD, 0.4)
    np.testing.assert_array_equal(smoothing.mean(0.4), SAD)


def test_other_times():
    """New limits of age hold for what is there already."""
    smoothing = average(memory_s=4.0, hold_s=2.0)
    smoothing.add(HAPPY, 10.0)
    smoothing.add(SAD, 11.0)
    smoothing.configure(SmoothingConfig(3, 1.5, 1.0))
    np.testing.assert_array_equal(smoothing.mean(11.75), SAD)
    assert smoothing.mean(12.25) is None


def test_late_result():
    """A result captured before the newest one held is dropped."""
    smoothing = average()
    smoothing.add(HAPPY, 1.0)
    smoothing.add(SAD, 0.5)
    np.testing.assert_array_equal(smoothing.mean(1.0), HAPPY)
    assert smoothing.newest_at == 1.0


def test_same_time():
    """Of two results captured at the same time both count."""
    smoothing = average()
    smoothing.add(HAPPY, 1.0)
    smoothing.add(SAD, 1.0)
    np.testing.assert_allclose(smoothing.mean(1.0), scores(happy=0.5, sad=0.5))


def test_mean_is_a_copy():
    """Changing a mean does not change what is held."""
    smoothing = average(length=1)
    smoothing.add(HAPPY.copy(), 0.0)
    mean = smoothing.mean(0.0)
    assert mean is not None
    mean[:] = 0
    np.testing.assert_array_equal(smoothing.mean(0.0), HAPPY)


@pytest.mark.parametrize(
    ("length", "memory_s", "hold_s", "why"),
    [
        (0, 4.0, 2.0, "at least 1"),
        (-1, 4.0, 2.0, "at least 1"),
        (3, 4.0, 0.0, "hold_s"),
        (3, 4.0, -1.0, "hold_s"),
        (3, 4.0, 5.0, "memory_s"),
        (3, float("nan"), 2.0, "memory_s"),
    ],
)
def test_invalid(length: int, memory_s: float, hold_s: float, why: str):
    """A configuration that could never hold a result, or holds what is forgotten, is refused."""
    with pytest.raises(ValueError, match=why):
        SmoothingConfig(length, memory_s, hold_s)
