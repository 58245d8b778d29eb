"""When a session has to end, by a clock that is passed in."""

from __future__ import annotations

from rtc.config import SessionConfig
from rtc.lifetime import Ending, Lifetime


def _connected(**limits: float) -> Lifetime:
    lifetime = Lifetime(SessionConfig(**limits), 100.0)
    lifetime.connected(101.0)
    return lifetime


def test_a_connection_has_its_time_to_come_about() -> None:
    """Without one the session ends after 15 s, however little media has come."""
    lifetime = Lifetime(SessionConfig(), 100.0)
    assert lifetime.ending(115.0, None, 0) is None
    assert lifetime.ending(115.1, None, 0) == Ending("not connected after 15 s")


def test_media_has_its_time_from_the_connection_on() -> None:
    """The 10 s without sound and picture do not begin before there is a connection."""
    lifetime = Lifetime(SessionConfig(), 100.0)
    lifetime.connected(114.0)
    assert lifetime.ending(123.9, None, 0) is None
    assert lifetime.ending(124.1, None, 0) == Ending("no sound and no picture for 10 s")


def test_the_newest_media_counts() -> None:
    """While sound or pictures come the session goes on; when they stop it ends."""
    lifetime = _connected()
    assert lifetime.ending(500.0, 491.0, 0) is None
    assert lifetime.ending(501.1, 491.0, 0) == Ending("no sound and no picture for 10 s")


def test_a_longest_duration_may_be_set() -> None:
    """Without one a session may last for ever; with one it ends then, media or not."""
    assert _connected().ending(100_000.0, 100_000.0, 0) is None
    ending = _connected(max_duration_s=60.0).ending(161.1, 161.0, 0)
    assert ending is not None
    assert ending.is_final
    assert "lasted 60 s" in ending.why


def test_a_flood_of_packets_ends_it() -> None:
    """More packets than any camera sends, for a second, and the session is over."""
    lifetime = _connected(max_packets_per_s=100)
    assert lifetime.ending(102.0, 102.0, 150) is None  # 75 a second since it began
    assert lifetime.ending(102.5, 102.5, 900) is None  # not a second yet
    ending = lifetime.ending(103.0, 103.0, 251)
    assert ending == Ending("more than 100 packets a second came", is_final=True)
