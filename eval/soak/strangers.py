"""Those who offer nothing usable: garbage over HTTP, and requests that break off."""

from __future__ import annotations

import asyncio
import json
import random
from urllib.parse import urlsplit

import aiohttp

from eval.soak.outcomes import LifeError

_TOO_LARGE = 70_000  # bytes; offers may have 65,536
_LONGEST_PAUSE_S = 0.05
_EXPECTED = {200, 400, 413, 429, 503}  # 200: a damaged offer may still be one
_HEADERS = {"Content-Type": "application/json"}  # or it is refused before it is looked at


async def offer_garbage(url: str, chance: random.Random, offer: dict[str, str]) -> None:
    """POST something that is no offer, or a damaged one.

    Raises:
        LifeError: it was answered with something else than a refusal or an answer.
    """
    async with (
        aiohttp.ClientSession(headers=_HEADERS) as http,
        http.post(f"{url}/offer", data=_garbage(chance, offer)) as response,
    ):
        if response.status not in _EXPECTED:
            raise LifeError(f"garbage was answered with status {response.status}")
        await response.json()


async def break_off(url: str, chance: random.Random, offer: dict[str, str]) -> None:
    """Send an offer, or only its beginning, and break the connection before the answer."""
    address, body = urlsplit(url), json.dumps(offer).encode()
    headers = {"Host": address.netloc, "Content-Length": f"{len(body)}", **_HEADERS}
    lines = ["POST /offer HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    head = "".join(f"{line}\r\n" for line in (*lines, ""))
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        is_whole = chance.random() < 0.5
        writer.write(head.encode() + body[: None if is_whole else chance.randrange(len(body))])
        await writer.drain()
        await asyncio.sleep(chance.uniform(0, _LONGEST_PAUSE_S))
    finally:
        writer.transport.abort()


def _garbage(chance: random.Random, offer: dict[str, str]) -> bytes:
    sdp = offer["sdp"]
    return chance.choice(
        [
            chance.randbytes(chance.randrange(2000)),
            b"x" * _TOO_LARGE,
            json.dumps([sdp]).encode(),
            json.dumps({"sdp": 7, "type": "offer"}).encode(),
            json.dumps({**offer, "type": "answer"}).encode(),
            json.dumps({**offer, "sdp": _without_some_lines(chance, sdp)}).encode(),
            json.dumps({**offer, "sdp": _with_other_signs(chance, sdp)}).encode(),
        ]
    )


def _without_some_lines(chance: random.Random, sdp: str) -> str:
    return "".join(line for line in sdp.splitlines(keepends=True) if chance.random() < 0.9)


def _with_other_signs(chance: random.Random, sdp: str) -> str:
    signs = list(sdp)
    for place in chance.sample(range(len(signs)), 20):
        signs[place] = chr(chance.randrange(32, 127))
    return "".join(signs)
