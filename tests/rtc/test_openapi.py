"""The OpenAPI description: valid, of all routes and no others, of messages as they really are."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_args

import aiohttp
import jsonschema_rs
import pytest
from aiohttp import web

from models.emotions import EMOTIONS
from models.engine import InferenceEngine
from models.tracker import Box
from rtc.app import create_app
from rtc.client import EmotionClient
from rtc.config import ServerConfig
from rtc.doors import Doors
from rtc.keys import ServedModels
from rtc.messages import (
    SCHEMA_VERSION,
    EmotionMessage,
    FaceMessage,
    ModalityMessage,
    NoticeMessage,
    RankedEmotion,
    RefusalMessage,
    SettingsMessage,
    SmoothingLimits,
)
from rtc.moments import RecordingSummary, TrackSummary
from rtc.reasons import FAULTS, Event
from rtc.session import SessionState
from rtc.settings import SettingsRequest
from tests.conftest import LiveServer, StartServer
from tests.media import Clip, PictureTrack, SoundTrack
from tests.rtc.description import Description, Json
from tests.waiting import until

DESCRIPTION = Description()
_PROJECT = Path(__file__).parents[2] / "pyproject.toml"
_SCHEMA_OF = {
    "emotion": "EmotionMessage",
    "notice": "NoticeMessage",
    "refusal": "RefusalMessage",
    "settings": "SettingsMessage",
}


def test_the_document_is_valid() -> None:
    """It is OpenAPI 3.1, its schemas are schemas, and what it refers to is there."""
    import schemathesis  # which takes a second

    schemathesis.openapi.from_dict(DESCRIPTION.document).validate()
    for schema in DESCRIPTION.document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)
    for reference in _references(DESCRIPTION.document):
        assert DESCRIPTION.found(reference)


def _references(fields: object) -> Iterator[Json]:
    """Yield each object that refers to another, whichever it is in."""
    if isinstance(fields, dict) and "$ref" in fields:
        yield fields
    for inner in (
        fields.values() if isinstance(fields, dict) else fields if isinstance(fields, list) else ()
    ):
        yield from _references(inner)


def test_it_is_of_this_version() -> None:
    """It names the version of the project that it comes with."""
    project = tomllib.loads(_PROJECT.read_text())["project"]
    assert DESCRIPTION.document["info"]["version"] == project["version"]


async def test_every_route_is_described_and_no_other(engine: InferenceEngine) -> None:
    """A route that is added, renamed or taken away must be so in the description, too."""
    app = create_app(engine, ServedModels("voice", "face"), ServerConfig())
    described = [(each.method, each.path) for each in DESCRIPTION.operations.values()]
    assert sorted(described) == sorted(_routes(app))


def _routes(app: web.Application) -> Iterator[tuple[str, str]]:
    for route in app.router.routes():
        if route.method != "HEAD":  # which goes without saying (RFC 9110, section 9.3.2)
            assert route.resource is not None
            yield route.method, route.resource.canonical


async def test_it_is_served_to_everybody(start_server: StartServer) -> None:
    """It needs no token, so that a program can learn that all else does."""
    server = await start_server(ServerConfig(doors=Doors("a-token-for-this-test")))
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/openapi.json") as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert await answer.json() == DESCRIPTION.document


@pytest.mark.parametrize(
    ("kind", "schema", "besides"),
    [
        (EmotionMessage, "EmotionMessage", set()),
        (ModalityMessage, "Evidence", set()),
        (Box, "Box", set()),
        (RankedEmotion, "RankedEmotion", set()),
        (NoticeMessage, "NoticeMessage", set()),
        (RefusalMessage, "RefusalMessage", set()),
        (SettingsMessage, "SettingsMessage", set()),
        (SmoothingLimits, "SmoothingLimits", set()),
        (SettingsRequest, "SettingsRequest", {"version", "type"}),
        (RecordingSummary, "SummaryLine", {"type", "damaged_packets"}),
        (TrackSummary, "TrackSummary", set()),
    ],
)
def test_every_field_is_described_and_no_other(kind: type, schema: str, besides: set[str]) -> None:
    """What the code sends has the fields of its schema, all of them required."""
    described = DESCRIPTION.schema(schema)
    names = {field.name for field in fields(kind)} | besides
    assert set(described["properties"]) == names
    assert kind is SettingsRequest or set(described["required"]) == names


def test_a_face_is_evidence_with_a_box() -> None:
    """It is described as what it has besides."""
    own = {field.name for field in fields(FaceMessage)} - {f.name for f in fields(ModalityMessage)}
    assert set(DESCRIPTION.schema("FaceEvidence")["properties"]) == own


def test_every_word_is_described_and_no_other() -> None:
    """Emotions, codes of notices and states of sessions are those of the code."""
    assert DESCRIPTION.schema("Emotion")["enum"] == [emotion.value for emotion in EMOTIONS]
    assert DESCRIPTION.schema("Probabilities")["required"] == list(EMOTIONS)
    codes = DESCRIPTION.schema("NoticeMessage")["properties"]["code"]["enum"]
    assert sorted(codes) == sorted((*get_args(Event), *FAULTS))
    states = DESCRIPTION.schema("Session")["properties"]["state"]["enum"]
    assert states == [state for state in SessionState if state is not SessionState.CLOSED]
    for name in (*_SCHEMA_OF.values(), "SettingsRequest"):
        assert DESCRIPTION.schema(name)["properties"]["version"] == {"const": SCHEMA_VERSION}


async def test_real_messages_are_as_described(server: LiveServer, happy_clip: Clip) -> None:
    """Every message of a real session's channel, of each type, is what its schema says."""
    said: list[Json] = []
    tracks = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
    client = EmotionClient(server.url, on_text=lambda text: said.append(json.loads(text)))
    async with client:
        await client.publish(*tracks)
        DESCRIPTION.check_named(
            "SettingsMessage", await client.change(w_voice=0.5, face_smooth_k=2)
        )
        client.channel.send("nonsense")
        await until(lambda: any(_is_full(message) for message in said), 20.0)
        await until(lambda: any(message["type"] == "refusal" for message in said))
        await server.registry.drain(0.1)  # which is told to those who are here
        await until(lambda: any(message["type"] == "notice" for message in said))
    assert {message["type"] for message in said} == set(_SCHEMA_OF)
    for message in said:
        DESCRIPTION.check_named(_SCHEMA_OF[message["type"]], message)


def _is_full(message: Json) -> bool:
    return message.get("evidence") == "both"


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 2},
        {"evidence": "smell"},
        {"latency_ms": "5"},
        {"voice": {"label": "joy", "probabilities": {}, "age_ms": 1}},
        {"top5": [{"label": "happy", "probability": 1.5}]},
        {"audio_level": None},
    ],
)
def test_what_is_no_message_is_told(damage: Json) -> None:
    """A schema that took everything would prove nothing."""
    message = {
        "version": 1, "type": "emotion", "sequence": 0, "time_ms": 0, "evidence": "none",
        "voice": None, "face": None, "fused": None, "top5": [], "audio_level": 0.0,
        "latency_ms": None, "picture_time_ms": None, "sound_time_ms": None,
    }  # fmt: skip
    DESCRIPTION.check_named("EmotionMessage", message)
    with pytest.raises(jsonschema_rs.ValidationError):
        DESCRIPTION.check_named("EmotionMessage", message | damage)


def test_a_request_that_is_described_is_taken() -> None:
    """What the server reads as settings is what the description says, and nothing else."""
    request = {"version": 1, "type": "settings", "id": 0}
    DESCRIPTION.check_named("SettingsRequest", request | {"w_voice": 0.5})
    with pytest.raises(jsonschema_rs.ValidationError):
        DESCRIPTION.check_named("SettingsRequest", request | {"volume": 1})
