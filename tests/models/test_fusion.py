"""Late fusion, against cases worked out by hand and against what must hold for any scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models.emotions import Scores
from models.fusion import (
    FUSION_MODES,
    FusionConfig,
    fuse,
    linear_pool,
    log_exponents,
    log_pool,
)
from models.tracker import Box, EmotionTracker, TrackerConfig

VOICE = np.array([0.5, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0], np.float32)
FACE = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], np.float32)
EVEN = np.full(7, 1 / 7, np.float32)
# Two sides of which each prefers another emotion by four to one, and has no other preference.
ANGRY = np.array([0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], np.float32)
DISGUSTED = np.array([0.1, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1], np.float32)

Pool = Callable[[Scores, Scores], Scores]
SYMMETRIC: dict[str, Pool] = {
    "linear": lambda voice, face: linear_pool(voice, face, 0.5),
    "log": lambda voice, face: log_pool(voice, face, 1.3, 1.3),
    "served weighted": lambda voice, face: fused(voice, face, FusionConfig(0.5, "weighted")),
    "served log": lambda voice, face: fused(voice, face, FusionConfig(0.5, "log")),
}
POOLS: dict[str, Pool] = SYMMETRIC | {
    "linear, uneven": lambda voice, face: linear_pool(voice, face, 0.6),
    "log, uneven": lambda voice, face: log_pool(voice, face, 4.0, 0.1),
    "log, no powers": lambda voice, face: log_pool(voice, face, 0.0, 0.0),
    "served log, 0.6": lambda voice, face: fused(voice, face, FusionConfig(0.6, "log")),
}


def fused(voice: Scores, face: Scores, config: FusionConfig) -> Scores:
    """Return what is served where both sides are there."""
    scores = fuse(voice, face, config)
    assert scores is not None
    return scores


def any_scores() -> tuple[Scores, Scores]:
    """Return voices and faces, each (n, 7): blunt, sharp, even and certain ones, in all pairs."""
    rng = np.random.default_rng(0)
    drawn = [rng.dirichlet(np.full(7, sharpness), 20) for sharpness in (0.01, 0.1, 1, 20)]
    kinds = np.concatenate([*drawn, np.eye(7), EVEN[None], VOICE[None]]).astype(np.float32)
    return np.repeat(kinds, len(kinds), axis=0), np.tile(kinds, (len(kinds), 1))


@pytest.mark.parametrize(
    ("w_voice", "wanted"),
    [
        (0.0, [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
        (0.6, [0.3, 0.06, 0.06, 0.46, 0.06, 0.06, 0.0]),
        (1.0, [0.5, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0]),
    ],
)
def test_weights(w_voice: float, wanted: list[float]):
    """The voice counts w_voice and the face the rest; the result is float32 and sums to 1."""
    scores = fused(VOICE, FACE, FusionConfig(w_voice))
    np.testing.assert_allclose(scores, wanted, atol=1e-7)
    assert scores.sum() == pytest.approx(1, abs=1e-6)
    assert scores.dtype == np.float32


def test_default_weight():
    """Unless told otherwise it is the weighted mean, and the voice counts 0.6."""
    assert FusionConfig() == FusionConfig(0.6, "weighted")


@pytest.mark.parametrize("mode", FUSION_MODES)
@pytest.mark.parametrize("w_voice", [0.0, 0.6, 1.0])
def test_one_side_missing(w_voice: float, mode: str):
    """Where one side is missing the other stands alone, unchanged, in every mode and weight."""
    config = FusionConfig(w_voice, mode)
    np.testing.assert_array_equal(fuse(VOICE, None, config), VOICE)
    np.testing.assert_array_equal(fuse(None, FACE, config), FACE)


@pytest.mark.parametrize("mode", FUSION_MODES)
def test_both_missing(mode: str):
    """Nothing and nothing is no evidence, not a uniform vector."""
    assert fuse(None, None, FusionConfig(mode=mode)) is None


@pytest.mark.parametrize("w_voice", [-0.01, 1.01, float("nan"), float("inf")])
def test_invalid(w_voice: float):
    """A weight outside 0 to 1 is refused."""
    with pytest.raises(ValueError, match="w_voice"):
        FusionConfig(w_voice)


def test_unknown_mode():
    """A mode that is not served is refused, with those that are."""
    with pytest.raises(ValueError, match="weighted or log, not 'gated'"):
        FusionConfig(mode="gated")


@pytest.mark.parametrize("name", POOLS)
def test_any_scores_fuse_to_probabilities(name: str):
    """Whatever both say, zeros and certainties too: float32, 0 to 1, summing to 1, same shape."""
    voice, face = any_scores()
    scores = POOLS[name](voice, face)
    assert (scores.dtype, scores.shape) == (np.float32, voice.shape)
    assert scores.min() >= 0
    assert scores.max() <= 1 + 1e-6
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", POOLS)
def test_one_moment_or_many(name: str):
    """A moment alone, shape (7,), is fused as it is among others, shape (n, 7)."""
    voice, face = any_scores()
    together = POOLS[name](voice[:50], face[:50])
    alone = [POOLS[name](v, f) for v, f in zip(voice[:50], face[:50], strict=True)]
    np.testing.assert_allclose(alone, together, atol=1e-7)


@pytest.mark.parametrize("name", SYMMETRIC)
def test_equal_weights_know_no_sides(name: str):
    """With equal weights voice and face can change places."""
    voice, face = any_scores()
    np.testing.assert_allclose(
        SYMMETRIC[name](voice, face), SYMMETRIC[name](face, voice), atol=1e-6
    )


@pytest.mark.parametrize("name", POOLS)
def test_emotions_are_treated_alike(name: str):
    """Were the emotions in another order, so would the result be, and nothing else changed."""
    voice, face = any_scores()
    order = [3, 0, 6, 1, 5, 2, 4]
    np.testing.assert_allclose(
        POOLS[name](voice[:, order], face[:, order]), POOLS[name](voice, face)[:, order], atol=1e-6
    )


@pytest.mark.parametrize(
    ("powers", "ratios"),
    [
        ((1.0, 1.0), [4, 4, 1, 1, 1, 1, 1]),
        ((1.0, 0.5), [4, 2, 1, 1, 1, 1, 1]),
        ((0.5, 1.5), [2, 8, 1, 1, 1, 1, 1]),
        ((1.0, 0.0), [4, 1, 1, 1, 1, 1, 1]),
        ((0.0, 0.0), [1, 1, 1, 1, 1, 1, 1]),
    ],
)
def test_log_pool(powers: tuple[float, float], ratios: list[float]):
    """Powers of both are multiplied: four to one on one side is two to one at power 0.5."""
    wanted = np.array(ratios) / sum(ratios)
    np.testing.assert_allclose(log_pool(ANGRY, DISGUSTED, *powers), wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("w_voice", "powers"),
    [(0.0, (0, 1)), (0.25, (1 / 3, 1)), (0.5, (1, 1)), (0.6, (1, 2 / 3)), (1.0, (1, 0))],
)
def test_log_mode_powers(w_voice: float, powers: tuple[float, float]):
    """The side that counts more has power 1, the other its share of that; so it is served."""
    assert log_exponents(w_voice) == pytest.approx(powers)
    served = fused(VOICE, ANGRY, FusionConfig(w_voice, "log"))
    np.testing.assert_array_equal(served, log_pool(VOICE, ANGRY, *log_exponents(w_voice)))


def test_log_mode_grows_surer_where_both_agree():
    """Sides that say the same are surer together in log mode, and no surer as a weighted mean."""
    assert fused(ANGRY, ANGRY, FusionConfig(mode="log"))[0] > ANGRY[0] + 0.1
    assert fused(ANGRY, ANGRY, FusionConfig(mode="weighted"))[0] == pytest.approx(ANGRY[0])


def test_a_person_is_served_by_the_mode_asked_for():
    """A tracker fuses its smoothed sides by the mode of its configuration."""
    state = EmotionTracker(TrackerConfig(fusion=FusionConfig(0.6, "log")))
    state.add_voice(ANGRY, 1.0)
    state.add_face(DISGUSTED, Box(0.1, 0.2, 0.3, 0.4), 1.0)
    evidence = state.estimate(1.0).fused
    assert evidence is not None
    np.testing.assert_allclose(evidence.scores, log_pool(ANGRY, DISGUSTED, 1, 2 / 3), atol=1e-6)


def test_a_zero_is_no_veto():
    """What one side calls impossible can still win; of two certain sides the heavier does."""
    voice, face = np.eye(7, dtype=np.float32)[[3, 5]]
    scores = fused(voice, face, FusionConfig(0.6, "log"))
    # 0.001 to the power 2/3 is 0.01: happy 1 * 0.01, sad 0.001 * 1, the other five 0.001 * 0.01.
    assert scores[3] == pytest.approx(0.01 / 0.01105, rel=1e-5)
    assert scores[5] == pytest.approx(0.001 / 0.01105, rel=1e-5)
