"""A person in a test: the project's own client, and everything that came to it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiortc import MediaStreamTrack

from eval.guest import Guest
from rtc.messages import EmotionMessage


class Peer(Guest):
    """One person. Use as ``async with Peer(url, sound_track, picture_track) as peer``.

    Attributes:
        messages: what has come over the data channel at ticks, oldest first.
        replies: what has come in answer to messages of ours, as JSON, oldest first.
    """

    def __init__(self, url: str, *tracks: MediaStreamTrack, **options: Any) -> None:
        self.messages: list[EmotionMessage] = []
        self.replies: list[dict[str, Any]] = []
        self._arrived = asyncio.Event()
        super().__init__(url, *tracks, **options)

    @property
    def state(self) -> str:
        """The connection's state, in W3C's words."""
        return str(self.client.connection.connectionState)

    async def results(self, count: int, timeout_s: float = 30.0) -> list[EmotionMessage]:
        """Wait until ``count`` more messages have come; return them."""
        wanted = len(self.messages) + count
        async with asyncio.timeout(timeout_s):
            while len(self.messages) < wanted:
                await self._arrival()
        return self.messages[-count:]

    async def notice(self, code: str, timeout_s: float = 30.0) -> None:
        """Wait until a notice of this code has come."""
        async with asyncio.timeout(timeout_s):
            while not any(reply.get("code") == code for reply in self.replies):
                await self._arrival()

    async def ask(self, **settings: Any) -> dict[str, Any]:
        """Send a settings message with these fields and an id of its own; return the reply."""
        return await self.client.change(**settings)

    async def reply_to(self, message: str | bytes) -> dict[str, Any]:
        """Send a message as it is, once results come; return the next reply."""
        if not self.messages:
            await self.results(1)
        before = len(self.replies)
        self.client.channel.send(message)
        async with asyncio.timeout(10.0):
            while len(self.replies) == before:
                await self._arrival()
        return self.replies[before]

    async def _arrival(self) -> None:
        self._arrived.clear()
        await self._arrived.wait()

    def _on_text(self, text: str) -> None:
        fields = json.loads(text)
        if fields["type"] == "emotion":
            self.messages.append(EmotionMessage.from_json(text))
        else:
            self.replies.append(fields)
        self._arrived.set()
