"""Why an offer is served by nobody."""

from __future__ import annotations

from typing import Self


class NoPlaceError(RuntimeError):
    """Nobody more is served now.

    Attributes:
        sentence: for whoever asks.
        retry_after_s: when it is worth asking again.
    """

    def __init__(self, sentence: str, retry_after_s: int) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.retry_after_s = retry_after_s

    @classmethod
    def all_are_full(cls, retry_after_s: int) -> Self:
        """Every replica serves as many as it may."""
        return cls("The server is full.", retry_after_s)

    @classmethod
    def none_is_up(cls) -> Self:
        """Nobody is there to give a place; Ray Serve begins another replica within seconds."""
        return cls("No replica of this server is up.", retry_after_s=2)

    @classmethod
    def none_answers(cls) -> Self:
        """Somebody is there, but does not answer in time."""
        return cls("The replica that was asked does not answer.", retry_after_s=2)
