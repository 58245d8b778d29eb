"""Fitting and fusing by halves, on made-up scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eval.fusion.cases import without_one_side
from eval.fusion.rules import RULES, Parameters, Rule, fitted, fuse_case
from models.fusion import linear_pool
from tests.eval.fusion.made_up import case_of

LEARNED = [rule for rule in RULES if rule.bounds]
LINEAR = Rule("linear", linear_pool, (0.5,), ((0.0, 1.0),))


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
