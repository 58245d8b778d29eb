"""The wire schema: what goes in comes out, and nothing else is taken for it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.tracker import Box, Estimate, Evidence
from rtc.clock import Capture
from rtc.messages import (
    EmotionMessage,
    RefusalMessage,
    SettingsMessage,
    SmoothingLimits,
    message_from,
)

PICTURE = Capture(at=9.96, media_time_s=3.25)
SOUND = Capture(at=9.9, media_time_s=3.3)


def _message(
    estimate: Estimate, picture: Capture | None = PICTURE, sound: Capture | None = SOUND
) -> EmotionMessage:
    return message_from(
        estimate,
        sequence=3,
        now=10.0,
        time_ms=1_700_000_000_000,
        audio_level=0.123456,
        picture=picture,
        sound=sound,
    )


VOICE = Evidence(np.array([0.1, 0, 0, 0.6, 0.2, 0.1, 0], np.float32), 9.9)
FACE = Evidence(np.array([0, 0, 0, 0.9, 0.1, 0, 0], np.float32), 9.96, Box(0.25, 0.2, 0.3, 0.4))


def test_a_message_survives_json() -> None:
    """Reading the JSON of a message gives the same message."""
    message = _message(Estimate(VOICE, FACE, VOICE))
    assert EmotionMessage.from_json(message.to_json()) == message


def test_the_json_has_the_documented_shape() -> None:
    """Names, order of emotions, ages, latency and box are as the README documents them."""
    fields = json.loads(_message(Estimate(VOICE, FACE, VOICE)).to_json())
    assert list(fields) == [
        "version", "type", "sequence", "time_ms", "evidence", "voice", "face", "fused", "top5",
        "audio_level", "latency_ms", "picture_time_ms", "sound_time_ms",
    ]  # fmt: skip
    assert (fields["version"], fields["type"]) == (1, "emotion")
    assert (fields["sequence"], fields["evidence"]) == (3, "both")
    assert list(fields["voice"]["probabilities"]) == [
        "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
    ]  # fmt: skip
    assert (fields["voice"]["label"], fields["voice"]["age_ms"]) == ("happy", 100)
    assert fields["face"]["box"] == {"x": 0.25, "y": 0.2, "width": 0.3, "height": 0.4}
    assert [line["label"] for line in fields["top5"][:2]] == ["happy", "neutral"]
    assert (fields["audio_level"], fields["latency_ms"]) == (0.1235, 40)
    assert (fields["picture_time_ms"], fields["sound_time_ms"]) == (3250, 3300)


def test_latency_is_the_pictures_or_else_the_sounds() -> None:
    """Latency is that of the new picture, or without one of the sound, or nothing at all."""
    nothing = Estimate(None, None, None)
    sound_alone = _message(nothing, picture=None)
    assert (sound_alone.latency_ms, sound_alone.picture_time_ms) == (100, None)
    neither = _message(nothing, picture=None, sound=None)
    assert (neither.latency_ms, neither.sound_time_ms) == (None, None)


@pytest.mark.parametrize(
    ("voice", "face", "evidence"),
    [(None, None, "none"), (VOICE, None, "voice"), (None, FACE, "face")],
)
def test_missing_evidence_is_null(
    voice: Evidence | None, face: Evidence | None, evidence: str
) -> None:
    """A side without evidence is null, and ``evidence`` says what there is."""
    fields = json.loads(_message(Estimate(voice, face, voice or face), None, None).to_json())
    assert fields["evidence"] == evidence
    assert (fields["voice"] is None) == (voice is None)
    assert (fields["face"] is None) == (face is None)
    assert (fields["fused"] is None) == (evidence == "none")
    assert len(fields["top5"]) == (0 if evidence == "none" else 5)
    assert fields["latency_ms"] is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 2}', "null"])
def test_other_texts_are_refused(text: str) -> None:
    """What is no message of this version raises ValueError."""
    with pytest.raises(ValueError, match=r"."):
        EmotionMessage.from_json(text)


@pytest.mark.parametrize(
    ("field", "other", "why"),
    [("version", 2, "version 2, not 1"), ("type", "settings", "type settings, not emotion")],
)
def test_messages_of_another_kind_are_refused(field: str, other: object, why: str) -> None:
    """What is of another version or type, or of none, is not taken for an emotion message."""
    fields = json.loads(_message(Estimate(VOICE, FACE, VOICE)).to_json())
    with pytest.raises(ValueError, match=why):
        EmotionMessage.from_json(json.dumps(fields | {field: other}))
    del fields[field]
    with pytest.raises(ValueError, match=f"not an emotion message: '{field}'"):
        EmotionMessage.from_json(json.dumps(fields))


def test_the_answers_to_settings_have_the_documented_shape() -> None:
    """Both carry version, type and the id of what they answer; of none that was read, null."""
    applied = SettingsMessage(
        id=7, w_voice=0.4, voice_smooth_k=3, face_smooth_k=6, most=SmoothingLimits(8, 12)
    )
    assert applied.to_json() == (
        '{"version":1,"type":"settings","id":7,"w_voice":0.4,"voice_smooth_k":3,"face_smooth_k":6,'
        '"most":{"voice_smooth_k":8,"face_smooth_k":12}}'
    )
    refused = RefusalMessage(id=None, reason="the message is not JSON")
    assert refused.to_json() == (
        '{"version":1,"type":"refusal","id":null,"reason":"the message is not JSON"}'
    )
