"""When a server is at rest: empty, unchanged for a while, and back at what it held before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from eval.soak import figures
from eval.soak.figures import Figures, Held, at_rest

REST = Held(sessions=0, file_descriptors=20, threads=30, tasks=6)


def held(sessions: int = 0, tasks: int = 6) -> Figures:
    """Figures of a server with so many people and tasks."""
    return Figures(300.0, Held(sessions, 20, 30, tasks))


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Figures]]:
    """Have a server show these figures one after another, the last for ever; return those seen."""
    monkeypatch.setattr(figures, "_LOOK_INTERVAL_S", 0.01)
    monkeypatch.setattr(figures, "_UNCHANGED_S", 0.1)

    def show(*shown: Figures) -> list[Figures]:
        waiting, seen = list(shown), []

        async def read(_: object) -> Figures:
            seen.append(waiting.pop(0) if len(waiting) > 1 else waiting[0])
            return seen[-1]

        monkeypatch.setattr(figures, "read", read)
        return seen

    return show


async def rest(patience_s: float = 5.0, as_before: Held | None = None) -> Figures:
    """Wait for the rest of the server that is shown."""
    return await at_rest(None, patience_s, as_before)


async def test_it_waits_until_nobody_is_there(looked: Callable[..., list[Figures]]) -> None:
    """People who are still served, and tasks that are still ending, are waited for."""
    looked(held(sessions=2, tasks=20), held(sessions=1, tasks=13), held(tasks=8), held())
    assert await rest() == held()


async def test_what_changes_is_no_rest(looked: Callable[..., list[Figures]]) -> None:
    """An empty server whose counts still move is looked at until they stay."""
    moving = [held(tasks=6 + n % 2) for n in range(40)]
    seen = looked(*moving, held(tasks=9))
    assert await rest() == held(tasks=9)
    assert len(seen) > len(moving)


async def test_it_waits_for_what_was_before(looked: Callable[..., list[Figures]]) -> None:
    """What stands still above that is waited for, since it may yet go."""
    looked(*[held(tasks=7)] * 40, held())
    assert await rest(as_before=REST) == held()


@pytest.mark.parametrize("stuck", [held(sessions=1), held(tasks=7)], ids=["session", "task"])
async def test_a_leak_is_not_waited_for_endlessly(
    looked: Callable[..., list[Figures]], stuck: Figures
) -> None:
    """After the patience the figures are returned as they are."""
    looked(stuck)
    async with asyncio.timeout(3):
        assert await rest(0.3, REST) == stuck
