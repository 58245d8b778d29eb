"""What has come to a client over its data channel, and who waits for more."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from rtc.messages import EmotionMessage

_MOST_WAITING = 240  # results: two minutes; who reads none for longer loses the oldest


class Received:
    """Of one client.

    Attributes:
        results: that nobody has taken, oldest first.
        replies: that are awaited, by the id of the message of ours.
        newest: the sequence of the newest result; -1 before the first.
    """

    def __init__(self, on_text: Callable[[str], None] | None) -> None:
        """Call ``on_text`` with each message, but with no result after a newer one."""
        self.results: deque[EmotionMessage] = deque(maxlen=_MOST_WAITING)
        self.replies: dict[int, dict[str, Any]] = {}
        self.newest = -1
        self._awaited: set[int] = set()
        self._on_text = on_text
        self._change = asyncio.Event()

    def take(self, text: str) -> None:
        """Take a message, at the moment it comes."""
        fields = json.loads(text)
        if fields["type"] == "emotion":
            if fields["sequence"] <= self.newest:
                return  # the channel is unordered, and results may be sent twice
            self.newest = fields["sequence"]
            self.results.append(EmotionMessage.from_json(text))
        elif isinstance(fields.get("id"), int) and fields["id"] in self._awaited:
            self.replies[fields["id"]] = fields
        if self._on_text is not None:
            self._on_text(text)
        self.note()

    @contextlib.contextmanager
    def awaiting(self, number: int) -> Iterator[None]:
        """Keep the reply to the message of this id, as long as somebody waits for it."""
        self._awaited.add(number)
        try:
            yield
        finally:
            self._awaited.remove(number)
            self.replies.pop(number, None)

    def note(self) -> None:
        """Have those who wait look again."""
        self._change.set()
        self._change = asyncio.Event()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, which is looked at whenever something has changed."""
        while not holds():
            await self._change.wait()

    async def more(self, count: int, within_s: float) -> int:
        """Wait until ``count`` more results have come, or so much time has passed; return how many.

        Of those that were lost on their way, the next one tells.
        """
        before = self.newest
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self.until(lambda: self.newest >= before + count)
        return self.newest - before
