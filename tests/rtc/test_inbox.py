"""What a peer may say, message by message."""

from __future__ import annotations

import pytest

from rtc.inbox import Inbox, Verdict


class _Clock:
    now = 5.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        ("x" * 10, Verdict.READ),
        ("x" * 11, Verdict.TOO_LONG),
        ("ä" * 6, Verdict.TOO_LONG),
        (b"x" * 11, Verdict.TOO_LONG),
    ],
)
def test_a_message_is_measured_in_bytes(message: str | bytes, verdict: Verdict) -> None:
    """Of text the bytes on the wire count, not the letters."""
    assert Inbox(10, 20, _Clock()).judge(message) is verdict


def test_too_many_are_said_once_and_then_ignored() -> None:
    """The first one too many in a second is answered, the others are not; a new second begins."""
    clock = _Clock()
    inbox = Inbox(10, 2, clock)
    verdicts = [inbox.judge("") for _ in range(4)]
    assert verdicts == [Verdict.READ, Verdict.READ, Verdict.FIRST_TOO_MANY, Verdict.IGNORE]
    clock.now += 1
    assert inbox.judge("") is Verdict.READ


def test_ten_times_too_many_is_a_flood() -> None:
    """Whoever goes on all the same is to be sent away."""
    inbox = Inbox(10, 2, _Clock())
    verdicts = [inbox.judge("") for _ in range(21)]
    assert verdicts.index(Verdict.FLOOD) == 20
