"""Odd messages over the data channel: no text, no JSON, wild settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from rtc.messages import SCHEMA_VERSION

_WILD: tuple[Any, ...] = (
    0,
    -1,
    1e308,
    10**400,
    float("nan"),
    float("inf"),
    None,
    True,
    "1",
    [],
    {},
    "\ud83d\ude00",
)
_NAMES = ("w_voice", "voice_smooth_k", "face_smooth_k", "id", "type", "version", "__class__", "")


def odd_message(rng: Random) -> str | bytes:
    """Return a message that no page sends."""
    return rng.choice(_MAKERS)(rng)


def _settings(rng: Random) -> str:
    fields: dict[str, Any] = {"version": SCHEMA_VERSION, "type": "settings", "id": rng.randrange(9)}
    for _ in range(rng.randint(1, 4)):
        fields[rng.choice(_NAMES)] = rng.choice(_WILD)
    return json.dumps(fields)


_MAKERS: tuple[Callable[[Random], str | bytes], ...] = (
    _settings,
    _settings,
    lambda rng: rng.randbytes(rng.randrange(200)),
    lambda rng: "x" * rng.choice((0, 1, 4096, 4097, 30_000)),
    lambda rng: "[" * rng.choice((10, 4000)),
    lambda rng: _settings(rng)[: rng.randrange(40)],
    lambda rng: json.dumps({"type": "settings", "id": rng.choice(_WILD)}),
    lambda _: "\0\ufeff\u202e",
)
