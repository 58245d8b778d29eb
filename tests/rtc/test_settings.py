"""Settings messages: what is read, what is refused and with which words, and what is put in force.

No network and no clock; the messages are what a stranger may send.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from models.fusion import FusionConfig
from models.smoothing import SmoothingConfig
from models.tracker import TrackerConfig
from rtc.config import SessionConfig
from rtc.messages import SmoothingLimits
from rtc.settings import SettingsError, SettingsRequest, changed, limits_of, read_request

LIMITS = SmoothingLimits(voice_smooth_k=8, face_smooth_k=12)
ASKED = {"version": 1, "type": "settings", "id": 7}
HUGE = 10**400


def refusal(received: str | bytes) -> tuple[int | None, str]:
    """Return the id and the reason of a refusal."""
    with pytest.raises(SettingsError) as refused:
        read_request(received, LIMITS)
    return refused.value.request_id, str(refused.value)


@pytest.mark.parametrize(
    ("settings", "request_"),
    [
        ({}, SettingsRequest(7)),
        ({"w_voice": 0.4}, SettingsRequest(7, w_voice=0.4)),
        ({"voice_smooth_k": 3}, SettingsRequest(7, voice_smooth_k=3)),
        ({"face_smooth_k": 6}, SettingsRequest(7, face_smooth_k=6)),
        (
            {"w_voice": 0.4, "voice_smooth_k": 3, "face_smooth_k": 6},
            SettingsRequest(7, 0.4, 3, 6),
        ),
        (
            {"w_voice": 0, "voice_smooth_k": 1, "face_smooth_k": 1},
            SettingsRequest(7, 0, 1, 1),
        ),
        (
            {"w_voice": 1, "voice_smooth_k": 8, "face_smooth_k": 12},
            SettingsRequest(7, 1, 8, 12),
        ),
    ],
)
def test_any_of_the_settings_may_be_asked_for(
    settings: dict[str, float], request_: SettingsRequest
) -> None:
    """All, some or none of them are read, up to the limits and including them."""
    assert read_request(json.dumps(ASKED | settings), LIMITS) == request_


@pytest.mark.parametrize("number", [0, 2**53 - 1])
def test_the_id_is_any_whole_number_that_a_browser_counts_to(number: int) -> None:
    """From 0 to the greatest whole number of JavaScript."""
    assert read_request(json.dumps(ASKED | {"id": number}), LIMITS).id == number


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "not binary"),
        (json.dumps(ASKED).encode(), "not binary"),
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 4096, "not JSON"),
        ("[" + "9" * 4090 + "]", "send a JSON object such as .*, not a list"),
        ("null", "send a JSON object such as .*, not null"),
        ('"settings"', 'send a JSON object such as .*, not "settings"'),
        (" " * 4097, "at most 4096 characters, not 4097"),
        (json.dumps(ASKED) + " " * 4096, "at most 4096 characters"),
    ],
)
def test_what_is_no_object_is_refused_without_an_id(text: str | bytes, reason: str) -> None:
    """Of bytes, broken or endless text, and JSON of another kind no id can be read."""
    with pytest.raises(SettingsError, match=reason) as refused:
        read_request(text, LIMITS)
    assert refused.value.request_id is None


def test_the_longest_text_is_read() -> None:
    """4096 characters are not too many."""
    assert read_request(json.dumps(ASKED).ljust(4096), LIMITS) == SettingsRequest(7)


@pytest.mark.parametrize(
    ("fields", "answered", "reason"),
    [
        ({"version": 2}, 7, "version must be 1, not 2"),
        ({"version": 1.0}, 7, "version must be 1, not 1.0"),
        ({"version": True}, 7, "version must be 1, not true"),
        ({"version": "1"}, 7, 'version must be 1, not "1"'),
        ({"version": None}, 7, "version must be 1, not null"),
        ({"version": 2, "id": "x"}, None, "version must be 1, not 2"),
        ({"type": "emotion"}, 7, 'type must be "settings", not "emotion"'),
        ({"type": ["settings"]}, 7, 'type must be "settings", not a list'),
        *(
            ({"id": bad}, None, f"id must be an integer between 0 and 9007199254740991, not {said}")
            for bad, said in (
                (-1, "-1"), (1.0, "1.0"), ("7", '"7"'), (False, "false"), (None, "null"),
                ({}, "an object"), (2**53, "9007199254740992"), (float("nan"), "NaN"),
            )
        ),
        *(
            ({"w_voice": bad}, 7, f"w_voice must be a number between 0 and 1, not {said}")
            for bad, said in (
                ("much", '"much"'), ("0.5", '"0.5"'), (-0.01, "-0.01"), (1.01, "1.01"), (2, "2"),
                (True, "true"), (False, "false"), (None, "null"), ([0.5], "a list"),
                (float("nan"), "NaN"), (float("inf"), "Infinity"), (-float("inf"), "-Infinity"),
                (HUGE, f"1{'0' * 39}…"),
            )
        ),
        *(
            ({name: bad}, 7, f"{name} must be an integer between 1 and {most}, not {said}")
            for name, most in (("voice_smooth_k", 8), ("face_smooth_k", 12))
            for bad, said in (
                (0, "0"), (-3, "-3"), (most + 1, str(most + 1)), (3.0, "3.0"), (2.5, "2.5"),
                ("3", '"3"'), (True, "true"), (None, "null"), ({"k": 3}, "an object"),
                (float("nan"), "NaN"), (float("inf"), "Infinity"), (HUGE, f"1{'0' * 39}…"),
            )
        ),
        (
            {"volume": 11}, 7,
            'there is no setting "volume"; there are w_voice, voice_smooth_k, face_smooth_k',
        ),
        (
            {"": 0}, 7,
            'there is no setting ""; there are w_voice, voice_smooth_k, face_smooth_k',
        ),
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_a_reason(
    fields: dict[str, object], answered: int | None, reason: str
) -> None:
    """Each fault has its sentence, which names the field, what it must be and what it is."""
    assert refusal(json.dumps(ASKED | fields)) == (answered, reason)


@pytest.mark.parametrize(
    ("missing", "answered", "wanted"),
    [
        ("version", 7, "1"),
        ("type", 7, '"settings"'),
        ("id", None, "an integer between 0 and 9007199254740991"),
    ],
)
def test_what_every_message_needs_is_missed(missing: str, answered: int, wanted: str) -> None:
    """Without version, type or id the refusal says which is missing and what it must be."""
    fields = {name: value for name, value in ASKED.items() if name != missing}
    assert refusal(json.dumps(fields)) == (answered, f"{missing} is missing; it must be {wanted}")


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"w_voice": "a" * 3000}, '"' + "a" * 39 + "…"),
        ({"é" * 3000: 1}, '"' + "é" * 39 + "…"),
        ({"type": "\x00" * 600}, r'"' + r"\u0000" * 6 + r"\u0…"),
    ],
)
def test_long_input_is_not_said_back(fields: dict[str, object], shown: str) -> None:
    """Of a long value, or a long name, the reason has 40 characters."""
    answered, reason = refusal(json.dumps(ASKED | fields, ensure_ascii=False))
    assert answered == 7
    assert shown in reason
    assert len(reason) < 120


def test_one_bad_value_refuses_all() -> None:
    """A good weight beside a bad length is no request."""
    _, reason = refusal(json.dumps(ASKED | {"w_voice": 0.4, "face_smooth_k": 0}))
    assert reason.startswith("face_smooth_k")


def test_what_is_not_named_stays() -> None:
    """A change of one setting keeps the others, the way of fusion and the times."""
    before = TrackerConfig(
        voice=SmoothingConfig(length=2, memory_s=3.0, hold_s=1.0),
        face=SmoothingConfig(length=4, memory_s=5.0, hold_s=2.0),
        fusion=FusionConfig(0.3, "log"),
    )
    assert changed(before, SettingsRequest(0)) == before
    assert changed(before, SettingsRequest(0, w_voice=0)) == replace(
        before, fusion=FusionConfig(0, "log")
    )
    assert changed(before, SettingsRequest(0, voice_smooth_k=1)) == replace(
        before, voice=SmoothingConfig(length=1, memory_s=3.0, hold_s=1.0)
    )
    assert changed(before, SettingsRequest(0, face_smooth_k=6)) == replace(
        before, face=SmoothingConfig(length=6, memory_s=5.0, hold_s=2.0)
    )


@pytest.mark.parametrize(
    ("length", "memory_s", "tick_interval_s", "most"),
    [
        (5, 4.0, 0.5, 8),
        (5, 4.4, 0.5, 8),
        (1, 0.3, 0.1, 3),  # which in floating point is 2.9999999999999996
        (1, 0.3, 0.5, 1),
        (20, 4.0, 0.5, 20),
    ],
)
def test_the_limit_is_what_is_young_enough(
    length: int, memory_s: float, tick_interval_s: float, most: int
) -> None:
    """As many results as come within the memory; or the length at the start, if that is more."""
    smoothing = SmoothingConfig(length, memory_s, hold_s=0.2)
    for tracker, limits in (
        (TrackerConfig(voice=smoothing), SmoothingLimits(most, int(6 / tick_interval_s))),
        (TrackerConfig(face=smoothing), SmoothingLimits(int(4 / tick_interval_s), most)),
    ):
        config = SessionConfig(tick_interval_s=tick_interval_s, tracker=tracker)
        assert limits_of(config) == limits
