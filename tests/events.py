"""Server-sent events as a client of any language would read them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp


class Event(NamedTuple):
    """One event: its id, and its data as JSON."""

    id: str
    message: dict[str, Any]


class EventStream:
    """Reads one answer of type ``text/event-stream``."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.comments = 0
        self._response = response

    async def next(self, timeout_s: float = 20.0) -> Event | None:
        """Return the next event, or None at the end of the stream."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(timeout_s):
            while line := (await self._response.content.readline()).decode():
                name, _, text = line.rstrip("\n").partition(": ")
                if not line.strip() and fields:
                    return Event(fields["id"], json.loads(fields["data"]))
                self.comments += line.startswith(":")
                if name and line.strip():
                    fields[name] = text
        return None

    async def results(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many results; return them."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            event = await self.next()
            assert event is not None, "the stream has ended"
            if event.message["type"] == "emotion":
                found.append(event.message)
        return found


@asynccontextmanager
async def events(url: str, path: str, **headers: str) -> AsyncIterator[EventStream]:
    """Open the events at ``path``, which must be there."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{url}{path}", headers={k.replace("_", "-"): v for k, v in headers.items()}) as r,
    ):
        assert (r.status, r.content_type) == (200, "text/event-stream"), await r.text()
        yield EventStream(r)
