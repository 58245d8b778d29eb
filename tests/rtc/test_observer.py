"""What live sessions and replays share: when the engine is asked, and what becomes of answers."""

from __future__ import annotations

import asyncio
import logging

import numpy as np
import pytest

from models.emotions import EMOTIONS, Emotion, Scores
from models.face.predictor import FaceReading
from models.tracker import Box
from tests.rtc.observed import observed

_BOX = Box(0.25, 0.25, 0.5, 0.5)


def _scores(emotion: Emotion) -> Scores:
    return np.array([0.7 if one is emotion else 0.05 for one in EMOTIONS], np.float32)


def _face(emotion: Emotion) -> FaceReading:
    return FaceReading(_scores(emotion), _BOX)


HAPPY, ANGRY = Emotion.HAPPY, Emotion.ANGRY
ANSWERS = {"voice": _scores(HAPPY), "face": _face(HAPPY)}
NOT_NUMBERS = {
    "voice": np.full(7, np.nan, np.float32),
    "face": FaceReading(np.full(7, np.inf, np.float32), _BOX),
}
OTHER = {"voice": "face", "face": "voice"}


@pytest.mark.parametrize("kind", ["voice", "face"])
async def test_each_kind_has_one_request_under_way(kind: str) -> None:
    """While one kind is unanswered it is not asked about again, and the other goes on."""
    async with observed() as person:
        for _ in range(3):
            person.speak()
            person.show()
            await person.ask()
            await person.answer(OTHER[kind], ANSWERS[OTHER[kind]])
        assert len(person.engine.asked[kind]) == 1
        assert len(person.engine.asked[OTHER[kind]]) == 3
        assert person.observer.late == 2
        await person.answer(kind, ANSWERS[kind])
        await person.ask()
        assert len(person.engine.asked[kind]) == 2


async def test_late_counts_each_request_that_was_skipped() -> None:
    """A tick that finds both kinds still unanswered has skipped two requests."""
    async with observed() as person:
        for _ in range(3):
            person.speak()
            person.show()
            await person.ask()
        assert person.observer.late == 4


async def test_late_counts_nothing_where_there_was_nothing_to_ask() -> None:
    """Without a new picture, and without new sound above silence, no request was skipped."""
    async with observed() as person:
        person.speak()
        person.show()
        await person.ask()
        await person.ask()
        person.speak(level=0)
        await person.ask()
        assert person.observer.late == 0


async def test_after_a_late_answer_the_newest_is_asked_about() -> None:
    """Of the pictures and the sound that came meanwhile, those before the newest are left out.

    Every second picture is looked at in the mirror.
    """
    async with observed() as person:
        for level in (50, 100, 150):
            person.speak(level / 1000)
            person.show(level)
            await person.ask()
        await person.answer("voice", _scores(HAPPY))
        await person.answer("face", _face(HAPPY))
        await person.ask()
        assert [round(float(one.rgb().mean()), -1) for one in person.engine.pictures] == [50, 150]
        assert [one.mirrored for one in person.engine.pictures] == [False, True]
        assert [round(float(one.mean()), 2) for one in person.engine.windows] == [0.05, 0.15]


@pytest.mark.parametrize("kind", ["voice", "face"])
async def test_an_answer_one_tick_late_goes_into_the_next_message(kind: str) -> None:
    """It is told once as new, with the age of what it was computed from."""
    async with observed() as person:
        person.come(kind)
        await person.ask()
        first = person.told()
        assert (first.evidence, first.latency_ms) == ("none", None)
        person.now_s += 0.3
        await person.answer(kind, ANSWERS[kind])
        person.now_s += 0.2
        await person.ask()
        second = person.told()
        assert (second.evidence, second.latency_ms) == (kind, 500)
        assert getattr(second, kind).age_ms == 500
        person.now_s += 0.5
        await person.ask()
        third = person.told()
        assert (third.evidence, third.latency_ms) == (kind, None)


async def test_a_tick_ends_when_its_answers_are_there() -> None:
    """It waits for both kinds, not for the whole of the time that they may take."""
    async with asyncio.timeout(5), observed(result_wait_s=60) as person:
        person.speak()
        person.show()
        tick = asyncio.create_task(person.ask())
        while not all(person.engine.asked.values()):  # noqa: ASYNC110  it sets no event
            await asyncio.sleep(0)
        await person.answer("voice", _scores(HAPPY))
        assert not tick.done()
        await person.answer("face", _face(HAPPY))
        await tick
        assert person.told().evidence == "both"


async def test_latency_is_the_pictures_where_both_are_new() -> None:
    """With a new picture and newer sound in a message, the picture tells how old it is."""
    async with observed() as person:
        person.show()
        person.now_s += 0.2
        person.speak()
        person.now_s += 0.1
        await person.ask()
        await person.answer("voice", _scores(HAPPY))
        await person.answer("face", _face(HAPPY))
        assert person.told().latency_ms == 300


@pytest.mark.parametrize("kind", ["voice", "face"])
@pytest.mark.parametrize("broken", ["raises", "gives no numbers"])
async def test_a_broken_network_is_logged_once_and_outlived(
    kind: str, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What raises, or gives scores that are no numbers, is no evidence; the rest lives on."""
    failure = RuntimeError("broken") if broken == "raises" else NOT_NUMBERS[kind]
    with caplog.at_level(logging.ERROR):
        async with observed() as person:
            for _ in range(3):
                await person.asked_and_answered(kind, failure)
                message = person.told()
                assert (message.evidence, message.latency_ms) == ("none", None)
            assert person.observer.faces_found == 0
            assert [record.getMessage() for record in caplog.records] == [
                f"somebody: the {kind} predictor failed"
            ]
            await person.asked_and_answered(OTHER[kind], ANSWERS[OTHER[kind]])
            assert person.told().evidence == OTHER[kind]
            await person.asked_and_answered(kind, ANSWERS[kind])
            assert person.told().evidence == "both"


async def test_a_second_network_that_breaks_is_logged_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Once is once for each kind."""
    async with observed() as person:
        await person.asked_and_answered("voice", RuntimeError("broken"))
        await person.asked_and_answered("face", RuntimeError("broken"))
    assert [record.getMessage() for record in caplog.records] == [
        "somebody: the voice predictor failed",
        "somebody: the face predictor failed",
    ]


async def test_faces_found_counts_pictures_that_show_one() -> None:
    """A picture without a face is looked at and not counted; the face before is still told."""
    async with observed() as person:
        await person.asked_and_answered("face", _face(ANGRY))
        assert person.observer.faces_found == 1
        assert person.told().face.label == "angry"
        await person.asked_and_answered("face", None)
        assert person.observer.faces_found == 1
        message = person.told()
        assert (message.face.label, message.face.age_ms) == ("angry", 1000)
        assert message.latency_ms == 500


async def test_silence_and_too_little_sound_are_not_asked_about() -> None:
    """The voice network gets half a second or more, above silence, and the same only once."""
    async with observed() as person:
        person.speak(level=0)
        await person.ask()
        person.now_s += 5  # a gap, after which the window begins anew
        person.speak(duration_s=0.49)
        await person.ask()
        assert person.engine.windows == []
        person.speak(duration_s=0.01)
        await person.ask()
        assert [len(window) for window in person.engine.windows] == [8_000]
        await person.answer("voice", _scores(HAPPY))
        await person.ask()
        assert len(person.engine.windows) == 1


async def test_newest_at_is_the_newest_arrival_of_any_source() -> None:
    """None before anything came; then the newer of the two, whether used or not."""
    async with observed() as person:
        assert person.observer.newest_at is None
        person.show()
        assert person.observer.newest_at == 100.0
        person.now_s = 101.0
        person.speak()
        assert person.observer.newest_at == 101.0
        person.now_s = 102.0
        person.show()
        assert person.observer.newest_at == 102.0


@pytest.mark.parametrize(("kind", "missing"), [("voice", "pictures"), ("face", "sound")])
async def test_one_source_is_enough(kind: str, missing: str) -> None:
    """With no microphone, or no camera, the other alone gives ``newest_at`` and evidence."""
    async with observed() as person:
        setattr(person.observer, missing, None)
        assert person.observer.newest_at is None
        await person.asked_and_answered(kind, ANSWERS[kind])
        assert person.observer.newest_at == 100.0
        assert person.told().evidence == kind


async def test_without_any_source_there_is_nothing_to_tell() -> None:
    """A tick before the tracks came asks nothing and says "none"."""
    async with observed() as person:
        person.observer.sound = person.observer.pictures = None
        await person.ask()
        message = person.told()
        assert (message.evidence, message.audio_level, message.latency_ms) == ("none", 0.0, None)
        assert person.observer.newest_at is None
        assert person.engine.asked == {"voice": [], "face": []}
