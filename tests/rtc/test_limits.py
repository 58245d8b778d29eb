"""One address may ask for so much and no more, and others never notice."""

from __future__ import annotations

import pytest

from rtc.limits import AddressLimits, TooManyError, Visitors


class _Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def _visitors(clock: _Clock, **limits: int) -> Visitors:
    return Visitors(AddressLimits(**limits), retry_after_s=10, clock=clock)


def test_offers_of_a_minute_are_counted_by_address() -> None:
    """The offer too many is refused; another address's is not."""
    visitors = _visitors(_Clock(), offers_per_minute=2)
    visitors.ask("a")
    visitors.ask("a")
    with pytest.raises(TooManyError, match="More than 2 offers a minute") as refusal:
        visitors.ask("a")
    assert refusal.value.reason == "offers_per_minute"
    visitors.ask("b")


def test_a_place_among_the_offers_is_free_when_the_refusal_said_so() -> None:
    """Whoever waits as long as they were told is let in, and not a second sooner."""
    clock = _Clock()
    visitors = _visitors(clock, offers_per_minute=1)
    visitors.ask("a")
    clock.now += 12.5
    with pytest.raises(TooManyError) as refusal:
        visitors.ask("a")
    assert refusal.value.retry_after_s == 48
    clock.now += 47
    with pytest.raises(TooManyError):
        visitors.ask("a")
    clock.now += 1
    visitors.ask("a")


def test_a_refused_offer_does_not_count() -> None:
    """Whoever keeps asking is let in as soon as whoever waits."""
    clock = _Clock()
    visitors = _visitors(clock, offers_per_minute=1)
    visitors.ask("a")
    for _ in range(59):
        clock.now += 1
        with pytest.raises(TooManyError):
            visitors.ask("a")
    clock.now += 1
    visitors.ask("a")


def test_sessions_are_counted_by_address_until_they_end() -> None:
    """One more than an address may have is refused until one of them has ended."""
    visitors = _visitors(_Clock(), sessions=1)
    visitors.enter("a")
    with pytest.raises(TooManyError, match="1 sessions of your address") as refusal:
        visitors.enter("a")
    assert (refusal.value.reason, refusal.value.retry_after_s) == ("sessions_per_address", 10)
    visitors.enter("b")
    visitors.leave("a")
    visitors.enter("a")


def test_zero_is_no_limit() -> None:
    """With 0 an address may have and ask for as much as it likes."""
    visitors = _visitors(_Clock(), sessions=0, offers_per_minute=0)
    for _ in range(1000):
        visitors.ask("a")
        visitors.enter("a")


def test_addresses_are_forgotten_after_a_minute() -> None:
    """What is remembered does not grow with the number of those who ever came."""
    clock = _Clock()
    visitors = _visitors(clock)
    for number in range(20_000):
        visitors.ask(f"early {number}")
    assert len(visitors._offers) <= 10_000
    clock.now += 61
    visitors.ask("late")
    assert list(visitors._offers) == ["late"]


def test_old_offers_of_a_steady_visitor_are_forgotten() -> None:
    """An address that asks all the time is judged by its last minute alone."""
    clock = _Clock()
    visitors = _visitors(clock, offers_per_minute=3)
    for _ in range(100):
        visitors.ask("a")
        clock.now += 21
    assert len(visitors._offers["a"]) <= 3
