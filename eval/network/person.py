"""A real peer with raw media, and what it got: when, and how fresh."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Self

from eval.guest import Guest
from eval.network.measure import Result
from eval.network.tracks import RawMedia, RawPictures, RawSound
from rtc.messages import EmotionMessage


class Person(Guest):
    """One person at one server. Use as ``async with``.

    Attributes:
        results: what has come, oldest first.
        offered_at_s: when it began to connect, on the monotonic clock.
    """

    def __init__(self, url: str, media: RawMedia) -> None:
        self.results: list[Result] = []
        self.offered_at_s = 0.0
        self._sound = RawSound(media)
        self._pictures = RawPictures(media)
        self._news = asyncio.Event()
        super().__init__(url, self._sound, self._pictures)

    async def __aenter__(self) -> Self:
        """Offer; results come once the connection is up.

        Raises:
            rtc.client.RefusedError: the server refused.
        """
        self.offered_at_s = time.monotonic()
        return await super().__aenter__()

    async def result_with_both(self, captured_after_s: float = 0.0) -> Result:
        """Wait for a result with voice and face, both captured after that; return it."""
        seen = 0
        while True:
            for result in self.results[seen:]:
                seen += 1
                if result.shows_both_after(captured_after_s):
                    return result
            self._news.clear()
            await self._news.wait()

    def _on_text(self, text: str) -> None:
        now_s = time.monotonic()
        if json.loads(text)["type"] != "emotion":
            return
        message = EmotionMessage.from_json(text)
        self.results.append(
            Result(
                now_s,
                voice_at_s=_captured_at_s(self._sound, message.sound_time_ms, message.voice),
                face_at_s=_captured_at_s(self._pictures, message.picture_time_ms, message.face),
                has_both=message.evidence == "both",
            )
        )
        self._news.set()


def _captured_at_s(
    track: RawSound | RawPictures, media_time_ms: int | None, shown: object | None
) -> float | None:
    if shown is None or media_time_ms is None or track.began_at_s is None:
        return None
    return track.began_at_s + media_time_ms / 1000
