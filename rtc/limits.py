"""How much one address may ask for, so that one visitor cannot take the places of all."""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass

from rtc.clock import Clock
from rtc.reasons import Reason

_MINUTE_S = 60.0
_MOST_REMEMBERED = 10_000  # addresses; of more, those that were there first are forgotten


class TooManyError(RuntimeError):
    """An address asks too much; the message is a sentence for whoever asks.

    Attributes:
        retry_after_s: when it may ask again.
        reason: one word, for counts.
    """

    def __init__(self, sentence: str, retry_after_s: int, reason: Reason) -> None:
        super().__init__(sentence)
        self.retry_after_s = retry_after_s
        self.reason = reason


@dataclass(frozen=True)
class AddressLimits:
    """Of one address; 0 is no limit.

    Attributes:
        sessions: at once.
        offers_per_minute: answered or refused.
    """

    sessions: int = 16
    offers_per_minute: int = 60


class Visitors:
    """What each address has asked for of late, and what it has.

    Invariant: the addresses in ``_offers`` stand in the order of their newest offers.
    """

    def __init__(self, limits: AddressLimits, retry_after_s: int, clock: Clock) -> None:
        self._limits = limits
        self._retry_after_s = retry_after_s
        self._clock = clock
        self._offers: dict[str, deque[float]] = {}
        self._sessions: Counter[str] = Counter()

    def ask(self, address: str) -> None:
        """Note an offer of ``address``.

        Raises:
            TooManyError: it has made too many in the last minute; this one does not count.
        """
        most = self._limits.offers_per_minute
        if not most:
            return
        now = self._clock()
        self._forget(now - _MINUTE_S)
        offers = self._offers.pop(address, deque())
        self._offers[address] = offers  # behind all others
        while offers and offers[0] <= now - _MINUTE_S:
            offers.popleft()
        if len(offers) >= most:
            wait_s = math.ceil(offers[0] + _MINUTE_S - now)
            raise TooManyError(
                f"More than {most} offers a minute came from your address; "
                f"try again in {wait_s} seconds.",
                wait_s,
                "offers_per_minute",
            )
        offers.append(now)

    def enter(self, address: str) -> None:
        """Note a session of ``address``; ``leave`` must follow.

        Raises:
            TooManyError: it has as many as it may.
        """
        most = self._limits.sessions
        if most and self._sessions[address] >= most:
            raise TooManyError(
                f"{most} sessions of your address are live; end one of them first.",
                self._retry_after_s,
                "sessions_per_address",
            )
        self._sessions[address] += 1

    def leave(self, address: str) -> None:
        """Note that a session of ``address`` has ended."""
        self._sessions[address] -= 1
        if not self._sessions[address]:
            del self._sessions[address]

    def _forget(self, before: float) -> None:
        while self._offers:
            address, offers = next(iter(self._offers.items()))
            if offers[-1] > before and len(self._offers) < _MOST_REMEMBERED:
                break
            del self._offers[address]
