"""When a session has to end: it never connects, sends nothing or too much, or lasts too long."""

from __future__ import annotations

from typing import NamedTuple

from rtc.config import SessionConfig

_FLOOD_S = 1.0  # over which packets are counted


class Ending(NamedTuple):
    """Why a session ends, and whether its peer would be sent away again if it came back."""

    why: str
    is_final: bool = False


class Lifetime:
    """Of one session, looked at every tick; times in seconds of one clock."""

    def __init__(self, config: SessionConfig, began_at: float) -> None:
        self._config = config
        self._began_at = began_at
        self._live_since: float | None = None
        self._packets = 0
        self._counted_at = began_at

    def connected(self, at: float) -> None:
        """Note that the connection is up."""
        if self._live_since is None:
            self._live_since = at

    def ending(self, now: float, newest_at: float | None, packets: int) -> Ending | None:
        """Return why the session ends now, or None.

        Args:
            now: the time.
            newest_at: when the newest sound or picture came; None before the first.
            packets: of media, that have come so far.
        """
        config = self._config
        if self._live_since is None:
            waited_s = now - self._began_at
            if waited_s > config.connect_timeout_s:
                return Ending(f"not connected after {config.connect_timeout_s:g} s")
            return None
        if now - max(self._live_since, newest_at or 0.0) > config.media_timeout_s:
            return Ending(f"no sound and no picture for {config.media_timeout_s:g} s")
        if config.max_duration_s and now - self._live_since > config.max_duration_s:
            lasted = f"it has lasted {config.max_duration_s:g} s, which is all that is given"
            return Ending(lasted, is_final=True)
        if self._is_flood(now, packets):
            flood = f"more than {config.max_packets_per_s} packets a second came"
            return Ending(flood, is_final=True)
        return None

    def _is_flood(self, now: float, packets: int) -> bool:
        past_s = now - self._counted_at
        if past_s < _FLOOD_S:
            return False
        per_s = (packets - self._packets) / past_s
        self._packets, self._counted_at = packets, now
        return per_s > self._config.max_packets_per_s
