"""Packets of one stream in the order of their sequence numbers, whatever order they come in."""

from __future__ import annotations

from collections.abc import Iterator

from rtc.rtp import RtpPacket, steps_between

_MOST_MISORDER = 3000  # steps; a leap further is another stream, whose sender has begun anew
_MOST_HELD = 512  # packets, at most a second of any picture


class Reordering:
    """Holds packets back while one before them may still come.

    Invariant: every packet held is later than ``_next``, the one that is waited for.

    Attributes:
        missing: sequence numbers that are waited for, oldest first.
    """

    def __init__(self, patience_s: float) -> None:
        """Wait for a missing packet up to ``patience_s``, counted from the first one behind it."""
        self._patience_s = patience_s
        self._next: int | None = None
        self._held: dict[int, tuple[RtpPacket, float]] = {}  # when it came; the oldest first

    @property
    def missing(self) -> list[int]:
        """Sequence numbers before the latest packet held that have not come."""
        if not self._held or self._next is None:
            return []
        span = max(steps_between(self._next, number) for number in self._held)
        wanted = ((self._next + step) % 65536 for step in range(span))
        return [number for number in wanted if number not in self._held]

    def put(self, packet: RtpPacket, now: float) -> Iterator[RtpPacket]:
        """Take a packet; yield those whose turn it is now."""
        number = packet.sequence_number
        ahead = 0 if self._next is None else steps_between(self._next, number)
        if abs(ahead) > _MOST_MISORDER:
            self._held.clear()
            ahead = 0
        if ahead < 0:
            return  # its turn was passed over, or it came twice
        if ahead == 0 and not self._held:
            self._next = (number + 1) % 65536
            yield packet
            return
        if self._next is None or ahead == 0:
            self._next = number
        self._held.setdefault(number, (packet, now))
        yield from self._due(now)

    def _due(self, now: float) -> Iterator[RtpPacket]:
        yield from self._in_turn()
        while self._held and (self._is_too_long(now) or len(self._held) > _MOST_HELD):
            assert self._next is not None
            expected = self._next
            self._next = min(self._held, key=lambda number: steps_between(expected, number))
            yield from self._in_turn()

    def _in_turn(self) -> Iterator[RtpPacket]:
        while self._next is not None and (held := self._held.pop(self._next, None)) is not None:
            self._next = (self._next + 1) % 65536
            yield held[0]

    def _is_too_long(self, now: float) -> bool:
        # Counted anew for each that is missing, the delay would grow where many are.
        _, came_at = next(iter(self._held.values()))
        return now - came_at > self._patience_s
