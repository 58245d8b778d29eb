"""What one session has said of late, for whoever watches it from elsewhere than its own peer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rtc.messages import EmotionMessage, Message, NoticeMessage

_MOST_KEPT = 60  # messages, for those who come back: half a minute
_MOST_READERS = 16


class TooManyReadersError(RuntimeError):
    """Nobody more can watch this session."""


class Told(NamedTuple):
    """A message and its place in the feed, counted from 1."""

    number: int
    json: str


class Feed:
    """Of one session. Nothing waits for a reader: one that is slow misses messages.

    Attributes:
        newest: the newest result, as JSON.
        has_ended: nothing more will come.
    """

    def __init__(self) -> None:
        self.newest: str | None = None
        self.has_ended = False
        self._kept: deque[Told] = deque(maxlen=_MOST_KEPT)
        self._told = 0
        self._newest_number = 0  # of a result
        self._was_read = False
        self._news: set[asyncio.Event] = set()  # one of each reader

    @property
    def is_read(self) -> bool:
        """Whether somebody watches."""
        return bool(self._news)

    def put(self, message: Message) -> None:
        """Tell those who watch."""
        self._told += 1
        text = message.to_json()
        if isinstance(message, EmotionMessage):
            self.newest, self._newest_number = text, self._told
        if self._was_read:  # else nobody can come back, and the memory is better spent
            self._kept.append(Told(self._told, text))
        for news in self._news:
            news.set()

    def end(self, why: str) -> None:
        """Tell those who watch that nothing more will come; harmless when it has been said."""
        if not self.has_ended:
            self.put(NoticeMessage(code="ended", text=f"This session has ended: {why}."))
            self.has_ended = True

    @contextmanager
    def reader(self) -> Iterator[asyncio.Event]:
        """Watch; the event is set at every message, and it is the reader who clears it.

        Raises:
            TooManyReadersError: as many do as may.
        """
        if len(self._news) >= _MOST_READERS:
            raise TooManyReadersError
        if not self._was_read and self.newest is not None and not self._kept:
            self._kept.append(Told(self._newest_number, self.newest))
        self._was_read = True
        news = asyncio.Event()
        self._news.add(news)
        try:
            yield news
        finally:
            self._news.discard(news)

    def after(self, number: int | None) -> list[Told]:
        """Return what is kept and came after ``number``; without one, the newest result and on.

        A number that is yet to come is of an earlier session of this name, and counts for nothing.
        """
        if number is None or number > self._told:
            number = self._newest_number - 1
        return [told for told in self._kept if told.number > number]
