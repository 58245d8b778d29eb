"""What an ingress knows of the replicas: new, unless nobody can tell it."""

from __future__ import annotations

import asyncio

from rtc.cluster.kept_fresh import KeptFresh
from rtc.cluster.messages import Seen, Told
from rtc.cluster.roster import Roster


def _seen(place: str) -> Seen:
    return Seen(place, f"http://{place}", 0, 24, "secret")


class _Roster:
    """Answers, or hangs."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.asked = 0
        self.answer: Told | None = Told((_seen("a"),), is_whole=True)
        self.answers = asyncio.Event()
        self.answers.set()

    async def all(self) -> Told | None:
        self.asked += 1
        await self.answers.wait()
        return self.answer

    def kept(self) -> KeptFresh:
        return KeptFresh(self.all, lambda: self.now_s)


async def test_it_is_asked_twice_a_second_at_most() -> None:
    """Within half a second all are given what the first was told."""
    roster = _Roster()
    kept = roster.kept()
    told = await asyncio.gather(*(kept.everyone() for _ in range(5)))
    assert told == [(_seen("a"),)] * 5
    assert roster.asked == 1
    roster.answer, roster.now_s = Told((_seen("b"),), is_whole=True), 0.6
    assert await kept.everyone() == (_seen("b"),)
    assert roster.asked == 2


async def test_a_roster_that_hangs_keeps_nobody_waiting() -> None:
    """What it told last is given, and it is asked once, however many need it."""
    roster = _Roster()
    kept = roster.kept()
    await kept.everyone()
    roster.answers.clear()
    roster.now_s = 1.0
    async with asyncio.timeout(2):
        for _ in range(3):
            assert await kept.everyone() == (_seen("a"),)
    assert roster.asked == 2
    roster.answer = Told((_seen("b"),), is_whole=True)
    roster.answers.set()
    assert await kept.everyone() == (_seen("b"),)
    await kept.aclose()


async def test_a_roster_that_begins_anew_takes_nothing_back() -> None:
    """While it cannot be asked, those count that were there before."""
    roster = _Roster()
    kept = roster.kept()
    await kept.everyone()
    roster.answer, roster.now_s = None, 1.0
    assert await kept.everyone() == (_seen("a"),)
    anew = Roster(lambda: roster.now_s)
    for roster.now_s in (2.0, 3.0, 4.0):
        roster.answer = anew.all()
        assert await kept.everyone() == (_seen("a"),)
    roster.now_s = 6.0
    anew.note(_seen("b"))
    roster.answer = anew.all()
    assert await kept.everyone() == (_seen("b"),)


async def test_the_first_to_come_are_there_at_once() -> None:
    """Before a roster has told of all, those count that it has told of."""
    roster = _Roster()
    kept = roster.kept()
    roster.answer = Told((_seen("a"),), is_whole=False)
    assert await kept.everyone() == (_seen("a"),)
    roster.now_s = 1.0
    roster.answer = Told((_seen("a"), _seen("b")), is_whole=False)
    assert await kept.everyone() == (_seen("a"), _seen("b"))
