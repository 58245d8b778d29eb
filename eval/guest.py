"""Somebody at a server who sends tracks and notes what comes: what all made-up people share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self

from aiortc import MediaStreamTrack

from rtc.client import EmotionClient


class Guest(ABC):
    """Use as ``async with``.

    Attributes:
        client: theirs.
    """

    def __init__(self, url: str, *tracks: MediaStreamTrack, **options: Any) -> None:
        """Come to ``url`` with ``tracks``; ``options`` are the client's."""
        self._tracks = tracks
        options = {"ice_servers": (), **options}
        self.client = EmotionClient(url, on_text=self._on_text, **options)

    async def __aenter__(self) -> Self:
        """Connect; results come from then on.

        Raises:
            rtc.client.RefusedError: the server refused.
        """
        await self.client.publish(*self._tracks)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.client.aclose()

    @property
    def gone(self) -> str | None:
        """Why the connection ended by itself, or None."""
        return self.client.gone

    @abstractmethod
    def _on_text(self, text: str) -> None:
        """Note a message, at the moment it comes."""
