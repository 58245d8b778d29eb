"""Pairs, halves, fitting and intervals of the comparison of fusions, on made-up scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eval.fusion_cases import CLEAN, DEGRADED, Side, by_certainty, pair_cases, without_one_side
from eval.fusion_rules import RULES, Case, Parameters, Rule, fitted, fuse_case
from eval.fusion_table import interval
from models.fusion import linear_pool

LEARNED = [rule for rule in RULES if rule.bounds]
LINEAR = Rule("linear", linear_pool, (0.5,), ((0.0, 1.0),))


def scores_of(labels: np.ndarray, right: float, rng: np.random.Generator) -> np.ndarray:
    """Return scores, float32 (n, 7), most of which favour the label, each by 0.7."""
    chosen = np.where(rng.random(len(labels)) < right, labels, rng.integers(0, 7, len(labels)))
    scores = np.full((len(labels), 7), 0.05, np.float32)
    scores[np.arange(len(labels)), chosen] = 0.7
    return scores


def case_of(voice_right: float = 0.8, face_right: float = 0.5, count: int = 700) -> Case:
    """Return moments of which the voice gets one share right and the face another."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 7
    there = np.ones(count, bool)
    voice, face = (scores_of(labels, right, rng) for right in (voice_right, face_right))
    half = np.arange(count) // 7 % 2
    return Case(
        *("pairs", CLEAN, voice, face, there, there, labels, half),
        *(np.arange(count) % 50, np.arange(count) % 60),
    )


def side(seed: int, count: int) -> Side:
    """Return a side with scores under each condition, and labels and halves in disorder."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % 7)
    conditions = {name for both in DEGRADED.values() for name in both}
    scores = {name: scores_of(labels, 0.6, rng) for name in sorted(conditions)}
    return Side(scores, labels, rng.integers(0, 2, count), broken=0)


def test_pairs_share_label_and_half():
    """Each pair is of one label and of one half, both halves occur, and every condition has all."""
    voice, face = side(1, 70), side(2, 210)
    cases = pair_cases(voice, face, per_class=5, seed=0)
    assert [case.condition for case in cases] == list(DEGRADED)
    for case in cases:
        assert len(case.labels) == 2 * 7 * 5
        assert np.bincount(case.half).tolist() == [35, 35]
        np.testing.assert_array_equal(voice.labels[case.clip], case.labels)
        np.testing.assert_array_equal(face.labels[case.picture], case.labels)
        np.testing.assert_array_equal(voice.half[case.clip], case.half)
        np.testing.assert_array_equal(face.half[case.picture], case.half)
        sound, sight = DEGRADED[case.condition]
        np.testing.assert_array_equal(case.voice, voice.scores[sound][case.clip])
        np.testing.assert_array_equal(case.face, face.scores[sight][case.picture])


@pytest.mark.parametrize("rule", LEARNED, ids=lambda rule: rule.name)
@pytest.mark.parametrize("half", [0, 1])
def test_nothing_is_learned_from_what_it_is_tried_on(rule: Rule, half: int):
    """Other labels in the half under test change no parameter; in the other half they do."""
    case = case_of()
    wrong = (case.labels + 3) % 7
    learned = fitted(rule, [case], half)
    here = replace(case, labels=np.where(case.half == half, wrong, case.labels))
    there = replace(case, labels=np.where(case.half == half, case.labels, wrong))
    assert fitted(rule, [here], half) == learned
    assert fitted(rule, [there], half) != learned


@pytest.mark.parametrize("rule", LEARNED, ids=lambda rule: rule.name)
def test_the_better_side_is_trusted_more(rule: Rule):
    """Where the voice is nearly always right and the face guesses, the voice gets the weight."""
    learned = fitted(rule, [case_of(voice_right=0.9, face_right=0.0, count=4200)], 0)
    against = 1 - learned[0] if len(learned) == 1 else learned[1]
    assert learned[0] > 0.85
    assert against < 0.15


def test_a_learned_weight_is_the_likeliest():
    """No weight on a fine grid makes the labels of the other half likelier than the learned one."""
    case = case_of(voice_right=0.6, face_right=0.5)
    rows = case.half == 1

    def likelihood(w_voice: float) -> float:
        fused = linear_pool(case.voice[rows], case.face[rows], w_voice)
        return float(np.log(fused[np.arange(rows.sum()), case.labels[rows]]).mean())

    (learned,) = fitted(LINEAR, [case], 0)
    best = max(likelihood(w_voice) for w_voice in np.linspace(0, 1, 101))
    assert likelihood(learned) >= best - 1e-6


def test_clips_of_no_half_learn_from_both():
    """What is in neither half is fused by parameters from both halves, and none from itself."""
    case = case_of()
    neither = replace(case, half=np.full(len(case.labels), -1), labels=(case.labels + 3) % 7)
    both = fitted(LINEAR, [case], -1)
    assert both == fitted(LINEAR, [replace(case, half=np.zeros_like(case.half))], 1)
    assert both == fitted(LINEAR, [replace(case, half=1 - case.half)], -1)
    (learned,) = fitted(LINEAR, [case, replace(case, voice=case.voice[::-1])], -1)
    fused = fuse_case(LINEAR, neither, {-1: (learned,)})
    np.testing.assert_allclose(fused, linear_pool(case.voice, case.face, learned))


def test_each_half_has_its_own_parameters():
    """Moments of a half are fused with the parameters for that half."""
    case = case_of()
    parameters: dict[int, Parameters] = {0: (0.2,), 1: (0.9,)}
    fused = fuse_case(LINEAR, case, parameters)
    for half, (w_voice,) in parameters.items():
        rows = case.half == half
        wanted = linear_pool(case.voice[rows], case.face[rows], w_voice)
        np.testing.assert_array_equal(fused[rows], wanted)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_missing_side_leaves_the_other_alone(rule: Rule):
    """Under every rule a silent voice leaves the face as it is, and a missing face the voice."""
    case = case_of()
    silent, no_face = without_one_side(case)
    parameters = dict.fromkeys((0, 1), rule.parameters)
    np.testing.assert_array_equal(fuse_case(rule, silent, parameters), case.face)
    np.testing.assert_array_equal(fuse_case(rule, no_face, parameters), case.voice)


def test_certainty_divides_moments():
    """A side is surer where its highest probability is 0.2 above the other's."""
    case = case_of(count=4)
    peaks = np.array([[0.9, 0.5], [0.5, 0.9], [0.6, 0.5], [0.5, 0.6]])
    voice, face = (np.zeros((4, 7), np.float32) for _ in range(2))
    voice[:, 0], voice[:, 1] = peaks[:, 0], 1 - peaks[:, 0]
    face[:, 0], face[:, 2] = peaks[:, 1], 1 - peaks[:, 1]
    face[3] = np.eye(7)[4]
    cases = by_certainty(replace(case, voice=voice, face=face))
    rows = {c.condition: c.picture.tolist() for c in cases}
    assert rows == {
        "clean, voice surer": [0],
        "clean, face surer": [1, 3],
        "clean, they disagree": [3],
    }


def test_the_interval_holds_what_it_must():
    """Where nothing is gained it is zero; else it holds the mean, wider when clips are few."""
    case = case_of()
    rng = np.random.default_rng(1)
    nothing = np.zeros(len(case.labels), np.int64)
    assert interval(nothing, case, seed=0) == (0.0, 0.0)
    by_clip = rng.integers(-1, 2, 50)[case.clip]
    low, high = interval(by_clip, case, seed=0)
    assert low < by_clip.mean() < high
    each_its_own = replace(case, clip=np.arange(700), picture=np.arange(700))
    narrow_low, narrow_high = interval(by_clip, each_its_own, seed=0)
    assert narrow_high - narrow_low < 0.6 * (high - low)
