"""The roster knows who is there, and forgets who falls silent."""

from __future__ import annotations

from rtc.cluster.messages import Seen
from rtc.cluster.roster import Roster


def _seen(place: str, sessions: int = 0) -> Seen:
    return Seen(place, f"http://{place}", sessions, 24, "secret")


def test_the_newest_counts() -> None:
    """Of each replica, what it told last."""
    roster = Roster(lambda: 0.0)
    roster.note(_seen("a"))
    roster.note(_seen("b"))
    roster.note(_seen("a", 3))
    assert {seen.place: seen.sessions for seen in roster.all().everyone} == {"a": 3, "b": 0}


def test_who_falls_silent_is_forgotten() -> None:
    """After four seconds; after three it may still come."""
    now = 0.0
    roster = Roster(lambda: now)
    roster.note(_seen("a"))
    now = 3.0
    assert len(roster.all().everyone) == 1
    now = 4.5
    assert roster.all().everyone == ()


def test_who_goes_is_struck() -> None:
    """At once, and once is enough."""
    roster = Roster(lambda: 0.0)
    roster.note(_seen("a"))
    roster.strike("a")
    roster.strike("a")
    assert roster.all().everyone == ()


def test_secrets_are_not_shown() -> None:
    """What a replica tells can be logged."""
    assert "secret" not in repr(_seen("a"))
