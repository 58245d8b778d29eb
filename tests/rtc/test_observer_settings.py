"""One person's settings: what a change does to what they are told; nonsense does nothing."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from models.emotions import EMOTIONS, Emotion, Scores
from models.face.predictor import FaceReading
from models.tracker import Box
from rtc.messages import RefusalMessage, SettingsMessage
from tests.rtc.anything import any_message
from tests.rtc.observed import Person, observed


def _sure(emotion: Emotion) -> Scores:
    return np.array([float(one is emotion) for one in EMOTIONS], np.float32)


def _face(emotion: Emotion) -> FaceReading:
    return FaceReading(_sure(emotion), Box(0.25, 0.25, 0.5, 0.5))


def _ask(person: Person, **settings: object) -> SettingsMessage | RefusalMessage:
    fields = {"version": 1, "type": "settings", "id": 3, **settings}
    return person.observer.answer(json.dumps(fields))


HAPPY, ANGRY, SAD = Emotion.HAPPY, Emotion.ANGRY, Emotion.SAD
AS_SHIPPED = {
    "version": 1,
    "type": "settings",
    "id": 3,
    "w_voice": 0.6,
    "voice_smooth_k": 5,
    "face_smooth_k": 10,
    "most": {"voice_smooth_k": 8, "face_smooth_k": 12},
}


async def test_a_question_is_answered_with_what_is_in_force() -> None:
    """Without any setting the answer has those of the configuration, and the limits."""
    async with observed() as person:
        assert json.loads(_ask(person).to_json()) == AS_SHIPPED


async def test_a_change_is_answered_with_all_that_is_in_force_then() -> None:
    """What was asked for, what stays, and after a second change both."""
    async with observed() as person:
        first = json.loads(_ask(person, w_voice=0.25, face_smooth_k=3).to_json())
        assert first == AS_SHIPPED | {"w_voice": 0.25, "face_smooth_k": 3}
        second = json.loads(_ask(person, voice_smooth_k=8).to_json())
        assert second == first | {"voice_smooth_k": 8}
        assert json.loads(_ask(person).to_json()) == second


async def test_the_weight_holds_from_the_next_message() -> None:
    """Happy voice and angry face, 0.6 to 0.4, become 0.25 to 0.75 with no new evidence."""
    async with observed() as person:
        await person.asked_and_answered("voice", _sure(HAPPY))
        await person.asked_and_answered("face", _face(ANGRY))
        before = person.told().fused.probabilities
        assert (before["happy"], before["angry"]) == (0.6, 0.4)
        _ask(person, w_voice=0.25)
        after = person.told().fused.probabilities
        assert (after["happy"], after["angry"]) == (0.25, 0.75)


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        ("voice", [_sure(HAPPY), _sure(HAPPY), _sure(ANGRY), _sure(SAD)]),
        ("face", [_face(HAPPY), _face(HAPPY), _face(ANGRY), _face(SAD)]),
    ],
)
async def test_a_shorter_average_keeps_the_newest(kind: str, answers: list[object]) -> None:
    """Of four results the mean, then that of the newest two; the other kind's K changes nothing."""
    other = {"voice": "face_smooth_k", "face": "voice_smooth_k"}[kind]
    async with observed() as person:
        for answer in answers:
            await person.asked_and_answered(kind, answer)
        _ask(person, **{other: 1})
        four = getattr(person.told(), kind).probabilities
        assert (four["happy"], four["angry"], four["sad"]) == (0.5, 0.25, 0.25)
        _ask(person, **{f"{kind}_smooth_k": 2})
        two = getattr(person.told(), kind).probabilities
        assert (two["happy"], two["angry"], two["sad"]) == (0, 0.5, 0.5)


async def test_a_refusal_changes_nothing() -> None:
    """A good weight beside a bad length is refused as a whole, with id and reason."""
    async with observed() as person:
        _ask(person, w_voice=0.25)
        refused = json.loads(_ask(person, w_voice=0.9, voice_smooth_k=0).to_json())
        assert refused == {
            "version": 1,
            "type": "refusal",
            "id": 3,
            "reason": "voice_smooth_k must be an integer between 1 and 8, not 0",
        }
        assert json.loads(_ask(person).to_json()) == AS_SHIPPED | {"w_voice": 0.25}


async def test_an_unreadable_id_is_answered_with_null() -> None:
    """Of what is no JSON the refusal has id null."""
    async with observed() as person:
        refused = json.loads(person.observer.answer("{").to_json())
        assert (refused["type"], refused["id"]) == ("refusal", None)


async def test_one_persons_settings_are_not_anothers() -> None:
    """A change is one observer's alone."""
    async with observed() as one, observed() as other:
        _ask(one, w_voice=0, voice_smooth_k=1, face_smooth_k=1)
        assert json.loads(_ask(other).to_json()) == AS_SHIPPED


async def test_whatever_comes_is_answered() -> None:
    """Of 20 000 messages made up of anything each is applied, and then in force and within the
    limits, or refused in a sentence of moderate length; every answer is JSON, and none raises.
    """
    chance = random.Random(4)
    kinds = {"settings": 0, "refusal": 0}
    async with observed() as person:
        in_force = json.loads(_ask(person).to_json())
        for _ in range(20_000):
            line = person.observer.answer(any_message(chance)).to_json()
            answer = json.loads(line.encode("utf-8"))
            kinds[answer["type"]] += 1
            if answer["type"] == "refusal":
                assert 0 < len(answer["reason"]) < 140
                assert json.loads(_ask(person).to_json()) == in_force | {"id": 3}
            else:
                assert 0 <= answer["w_voice"] <= 1
                assert 1 <= answer["voice_smooth_k"] <= 8
                assert 1 <= answer["face_smooth_k"] <= 12
                in_force = answer
    assert min(kinds.values()) > 1000
