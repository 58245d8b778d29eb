"""Messages made up of anything, as a stranger may send them."""

from __future__ import annotations

import json
import random

_FIELDS = ("version", "type", "id", "w_voice", "voice_smooth_k", "face_smooth_k", "other")


def any_message(chance: random.Random) -> str | bytes:
    """Return anything: bytes, characters, JSON, or a request with some of it made up or cut."""
    kind = chance.randrange(6)
    if kind == 0:
        return chance.randbytes(chance.randrange(200))
    if kind == 1:
        return chance.randbytes(chance.randrange(200)).decode("latin-1")
    if kind == 2:
        return json.dumps(_any_json(chance))
    names = chance.sample(_FIELDS, chance.randrange(4))
    fields = {"version": 1, "type": "settings", "id": 7}
    fields |= {name: _any_json(chance) for name in names}
    text = json.dumps(fields, ensure_ascii=chance.random() < 0.5)
    return text[: chance.randrange(len(text))] if kind == 3 else text


def _any_json(chance: random.Random, depth: int = 0) -> object:
    kind = chance.randrange(9 if depth < 4 else 7)
    if kind == 7:
        return [_any_json(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind == 8:
        return {_any_text(chance): _any_json(chance, depth + 1) for _ in range(chance.randrange(4))}
    return (
        None,
        chance.random() < 0.5,
        chance.randrange(-2, 14),
        chance.choice((1, -1)) * 10 ** chance.randrange(400),
        chance.uniform(-0.5, 1.5),
        chance.choice((float("nan"), float("inf"), -0.0, 1e308)),
        _any_text(chance),
    )[kind]


def _any_text(chance: random.Random) -> str:
    known = ("w_voice", "voice_smooth_k", "id", "version", "type", "settings", "")
    made = "".join(chr(chance.randrange(0x110000)) for _ in range(chance.randrange(60)))
    return chance.choice((*known, made))
