"""Malformed offers: damaged SDP, JSON of other shapes, bodies that are neither.

Whatever is damaged, no address is left in an offer but this machine's own: the server looks for its
peer wherever an offer says that it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from random import Random

from eval.fuzz.mutation import mutated, telling

_JSON = "application/json"
_TYPES = (_JSON, "text/plain", "application/sdp", "application/json; charset=utf-16", "x", "")
_HOME = "127.0.0.1"
_LIKE_AN_ADDRESS = re.compile(r"[0-9a-fA-F.:]+(%.*)?")
_SIGNS = ("\0", "\n", "\r\n", "\ufeff", "é", "\U0001f600", "\u202e", " ", ":", "/", "=")
_NUMBERS = ("0", "-1", "255", "65535", "65536", "4294967296", "9" * 40, "1e9", "NaN", "")
_MOST_BYTES = 60_000  # of SDP; larger ones are refused for their size, which is one more case


@dataclass(frozen=True)
class Body:
    """A body of ``POST /offer``."""

    data: bytes
    content_type: str


Mutator = Callable[[Random, list[str]], None]


def malformed_offer(rng: Random, sdp: str, own: frozenset[str]) -> Body:
    """Return a body that is not, or not quite, an offer.

    Args:
        rng: decides.
        sdp: a sound offer.
        own: addresses of this machine, which may be left in.
    """
    if rng.random() < 0.75:
        fields = {"sdp": malformed_sdp(rng, sdp, own), "type": "offer"}
        return Body(json.dumps(fields, ensure_ascii=rng.random() < 0.5).encode(), _JSON)
    data = rng.choice(_ODD_BODIES)(rng, _without_candidates(sdp))
    return Body(data, rng.choice((_JSON, rng.choice(_TYPES))))


def malformed_sdp(rng: Random, sdp: str, own: frozenset[str]) -> str:
    """Return a damaged description, with no address in it but those of ``own``."""
    lines = sdp.splitlines()
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        rng.choice(_SDP_MUTATORS)(rng, lines)
    damaged = rng.choice(("\r\n", "\r\n", "\r\n", "\n", "\r")).join([*lines, ""])
    return "\r\n".join(_at_home(line, own) for line in damaged[:_MOST_BYTES].split("\r\n"))


def _at_home(text: str, own: frozenset[str]) -> str:
    words = re.split(r"(\s+)", text)
    return "".join(_HOME if _is_elsewhere(word, own) else word for word in words)


def _is_elsewhere(word: str, own: frozenset[str]) -> bool:
    if word.endswith(".local"):  # asked for by multicast
        return True
    if not _LIKE_AN_ADDRESS.fullmatch(word):  # quicker than the next line
        return False
    try:
        address = ip_address(word)
    except ValueError:
        return False
    return not address.is_loopback and word not in own


def _leave_out(rng: Random, lines: list[str]) -> None:
    if lines:
        del lines[rng.randrange(len(lines))]


def _leave_out_kind(rng: Random, lines: list[str]) -> None:
    if lines:
        start = rng.choice(lines).split(":")[0]
        lines[:] = [line for line in lines if not line.startswith(start)]


def _say_twice(rng: Random, lines: list[str]) -> None:
    if lines:
        at = rng.randrange(len(lines))
        lines[at:at] = [lines[at]] * rng.choice((1, 1, 2, 500))


def _change_places(rng: Random, lines: list[str]) -> None:
    if lines:
        one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]


def _other_number(rng: Random, lines: list[str]) -> None:
    places = [at for at, line in enumerate(lines) if re.search(r"\d", line)]
    if places:
        at = rng.choice(places)
        number = rng.choice((*_NUMBERS, str(telling(rng, 32))))
        found = rng.choice(list(re.finditer(r"\d+", lines[at])))
        lines[at] = lines[at][: found.start()] + number + lines[at][found.end() :]


def _other_word(rng: Random, lines: list[str]) -> None:
    """Put a word of one line into another: an address for a name, a kind for a number."""
    if lines:
        at = rng.randrange(len(lines))
        words = re.split(r"([ :/=;])", lines[at])
        words[rng.randrange(len(words))] = rng.choice(re.split(r"[ :/=;]", rng.choice(lines)))
        lines[at] = "".join(words)


def _odd_sign(rng: Random, lines: list[str]) -> None:
    if lines:
        at = rng.randrange(len(lines))
        place = rng.randint(0, len(lines[at]))
        lines[at] = lines[at][:place] + rng.choice(_SIGNS) + lines[at][place:]


def _very_long(rng: Random, lines: list[str]) -> None:
    if lines:
        lines[rng.randrange(len(lines))] += "x" * rng.choice((300, 5000, 40_000))


def _another_section(rng: Random, lines: list[str]) -> None:
    starts = [at for at, line in enumerate(lines) if line.startswith("m=")]
    if starts:
        start = rng.choice(starts)
        end = next((at for at in starts if at > start), len(lines))
        lines += lines[start:end] * rng.choice((1, 2, 30))


def _multiply(rng: Random, lines: list[str]) -> None:
    """Put in very many lines of two kinds, which a parser may compare each with each."""
    kinds = ("a=rtpmap:96 a/1", "a=rtcp-fb:* n", "a=ssrc:1 a:b", "a=fmtp:96 a=1", "a=extmap:1 u")
    lines += [rng.choice(kinds)] * rng.choice((100, 1500)) + [rng.choice(kinds)] * 1500


_SDP_MUTATORS: tuple[Mutator, ...] = (
    _leave_out,
    _leave_out_kind,
    _say_twice,
    _change_places,
    _other_number,
    _other_number,
    _other_word,
    _odd_sign,
    _very_long,
    _another_section,
    _multiply,
)


def _without_candidates(sdp: str) -> str:
    """Return a description without addresses, which damage to its bytes could make others' of."""
    lines = [line for line in sdp.splitlines() if "candidate" not in line]
    return "\r\n".join([*lines, ""])


_ODD_BODIES: tuple[Callable[[Random, str], bytes], ...] = (
    lambda rng, sdp: mutated(rng, json.dumps({"sdp": sdp, "type": "offer"}).encode()),
    lambda rng, _: rng.randbytes(rng.randrange(300)),
    lambda rng, _: b"[" * rng.choice((10, 50_000)),
    lambda rng, _: b'{"sdp":' * rng.choice((10, 9_000)),
    lambda rng, sdp: json.dumps(
        {"sdp": rng.choice((None, 7, [sdp], {}, True)), "type": "offer"}
    ).encode(),
    lambda rng, sdp: json.dumps(
        {"sdp": sdp, "type": rng.choice(("answer", "rollback", None, 0, ["offer"]))}
    ).encode(),
    lambda _, sdp: json.dumps({"sdp": sdp + "\ud800", "type": "offer"}).encode(),
    lambda _, sdp: json.dumps({"sdp": sdp, "type": "offer"}).encode("utf-16"),
    lambda rng, _: json.dumps(
        {"sdp": "x" * rng.choice((64_000, 70_000)), "type": "offer"}
    ).encode(),
    lambda _, sdp: sdp.encode(),
    lambda *_: b"",
    lambda *_: b"null",
)
