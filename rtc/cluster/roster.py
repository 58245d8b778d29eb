"""Who serves: what each replica has told of itself of late."""

from __future__ import annotations

import time

from rtc.clock import Clock
from rtc.cluster.messages import Seen, Told

BEAT_S = 1.0
_FORGOTTEN_AFTER_S = 4.0  # three beats may be lost


class Roster:
    """Of the replicas of one cluster. It keeps nothing: begun anew, it knows all after a beat."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._began_at = clock()
        self._seen: dict[str, tuple[Seen, float]] = {}

    def note(self, seen: Seen) -> None:
        """Take down what a replica tells of itself."""
        self._seen[seen.place] = (seen, self._clock())

    def strike(self, place: str) -> None:
        """Forget a replica that goes."""
        self._seen.pop(place, None)

    def all(self) -> Told:
        """Return all that are there, as far as they have told since this roster began."""
        now = self._clock()
        late = [p for p, (_, at) in self._seen.items() if now - at > _FORGOTTEN_AFTER_S]
        for place in late:
            del self._seen[place]
        everyone = tuple(seen for seen, _ in self._seen.values())
        return Told(everyone, is_whole=now - self._began_at > _FORGOTTEN_AFTER_S)
