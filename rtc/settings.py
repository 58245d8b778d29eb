"""Settings that a peer changes while live: read from a stranger, checked, and put in force."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from models.smoothing import SmoothingConfig
from models.tracker import TrackerConfig
from rtc.config import SessionConfig
from rtc.messages import SCHEMA_VERSION, SettingsMessage, SmoothingLimits

_LONGEST_TEXT = 4096  # characters; a request with every setting has about a hundred
_LONGEST_SHOWN = 40  # characters of what a peer sent, said back to it in a reason
_GREATEST_ID = 2**53 - 1  # JavaScript counts no further in whole numbers
_EXAMPLE = f'{{"version": {SCHEMA_VERSION}, "type": "settings", "id": 0}}'
_SETTINGS = ("w_voice", "voice_smooth_k", "face_smooth_k")

_Rule = tuple[Callable[[Any], bool], str]  # whether a value is right, and what it must be in words


class SettingsError(ValueError):
    """The message is refused; the error's text tells its sender why.

    Attributes:
        request_id: the message's id; None when it has none that can be read.
    """

    def __init__(self, reason: str, request_id: int | None = None) -> None:
        super().__init__(reason)
        self.request_id = request_id


@dataclass(frozen=True)
class SettingsRequest:
    """What a peer asks for; None leaves a setting as it is, and all None only asks what it is.

    Attributes:
        id: the peer's own number of the request.
        w_voice: how much the voice counts, in [0, 1].
        voice_smooth_k, face_smooth_k: results averaged at most, from 1 to their limits.
    """

    id: int
    w_voice: float | None = None
    voice_smooth_k: int | None = None
    face_smooth_k: int | None = None


def limits_of(config: SessionConfig) -> SmoothingLimits:
    """Return the largest smoothing lengths that a session accepts.

    More results than come within ``memory_s`` are never averaged. A server that was started with
    a greater length accepts up to that one, so that what is in force can always be sent back.
    """

    def limit(smoothing: SmoothingConfig) -> int:
        # The small share keeps 0.3 / 0.1, which is a little less than 3, from becoming 2.
        results = int(smoothing.memory_s / config.tick_interval_s * (1 + 1e-9))
        return max(smoothing.length, results)

    return SmoothingLimits(limit(config.tracker.voice), limit(config.tracker.face))


def read_request(received: str | bytes, limits: SmoothingLimits) -> SettingsRequest:
    """Read ``{"version": 1, "type": "settings", "id": 7, "w_voice": 0.4, ...}``.

    Raises:
        SettingsError: it is something else, or asks for a value that cannot be.
    """
    fields = _read_object(received)
    rules = _rules(limits)
    if (reason := _fault(fields, rules)) is not None:
        is_id, _ = rules["id"]
        raise SettingsError(reason, fields["id"] if is_id(fields.get("id")) else None)
    return SettingsRequest(fields["id"], *(fields.get(name) for name in _SETTINGS))


def changed(config: TrackerConfig, request: SettingsRequest) -> TrackerConfig:
    """Return ``config`` with what the request names; all the rest stays as it is."""
    voice, face, fusion = config.voice, config.face, config.fusion
    if request.w_voice is not None:
        fusion = replace(fusion, w_voice=request.w_voice)
    if request.voice_smooth_k is not None:
        voice = replace(voice, length=request.voice_smooth_k)
    if request.face_smooth_k is not None:
        face = replace(face, length=request.face_smooth_k)
    return replace(config, voice=voice, face=face, fusion=fusion)


def settings_message(
    request_id: int, config: TrackerConfig, limits: SmoothingLimits
) -> SettingsMessage:
    """Say what is in force, in answer to a request."""
    return SettingsMessage(
        id=request_id,
        w_voice=config.fusion.w_voice,
        voice_smooth_k=config.voice.length,
        face_smooth_k=config.face.length,
        most=limits,
    )


def _read_object(received: str | bytes) -> dict[str, Any]:
    if isinstance(received, bytes):
        raise SettingsError(f"send text such as {_EXAMPLE}, not binary")
    if (length := len(received)) > _LONGEST_TEXT:
        raise SettingsError(f"a message has at most {_LONGEST_TEXT} characters, not {length}")
    try:
        fields = json.loads(received)
    except (ValueError, RecursionError):
        raise SettingsError(f"the message is not JSON; send text such as {_EXAMPLE}") from None
    if not isinstance(fields, dict):
        raise SettingsError(f"send a JSON object such as {_EXAMPLE}, not {_shown(fields)}")
    return fields


def _rules(limits: SmoothingLimits) -> dict[str, _Rule]:
    """Return what each field must be, the most telling first."""
    return {
        "version": (
            partial(_is_integer, least=SCHEMA_VERSION, most=SCHEMA_VERSION),
            f"{SCHEMA_VERSION}",
        ),
        "type": (lambda value: value == "settings", '"settings"'),
        "id": _integer(0, _GREATEST_ID),
        "w_voice": (_is_share, "a number between 0 and 1"),
        "voice_smooth_k": _integer(1, limits.voice_smooth_k),
        "face_smooth_k": _integer(1, limits.face_smooth_k),
    }


def _integer(least: int, most: int) -> _Rule:
    return partial(_is_integer, least=least, most=most), f"an integer between {least} and {most}"


def _is_integer(value: Any, least: int, most: int) -> bool:
    # In Python True is an integer.
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _fault(fields: dict[str, Any], rules: dict[str, _Rule]) -> str | None:
    """Return the first thing that is wrong, or None."""
    for name, (is_right, wanted) in rules.items():
        if name in fields and not is_right(fields[name]):
            return f"{name} must be {wanted}, not {_shown(fields[name])}"
        if name not in fields and name not in _SETTINGS:
            return f"{name} is missing; it must be {wanted}"
    unknown = next((name for name in fields if name not in rules), None)
    if unknown is not None:
        return f"there is no setting {_shown(unknown)}; there are {', '.join(_SETTINGS)}"
    return None


def _shown(value: Any) -> str:
    """Return a value as a reason shows it: as its sender wrote it, but never at length."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
