"""The search finds how many peers a server bears, with few tries, and never tries too many."""

from __future__ import annotations

import math

import pytest

from eval.bench.search import most_that_hold


class _Server:
    """Bears so many peers and no more; notes what was tried."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.tried: list[int] = []

    async def holds(self, count: int) -> bool:
        self.tried.append(count)
        return count <= self.capacity


@pytest.mark.parametrize("capacity", [0, 1, 2, 3, 5, 23, 40, 399, 400, 1000])
@pytest.mark.parametrize(
    ("first", "stride"),
    [(1, 1), (4, 4), (8, 8), (16, 16), (16, 7), (1, 16), (64, 16), (7, 100), (400, 400)],
)
async def test_the_capacity_is_found(capacity: int, first: int, stride: int) -> None:
    """What it returns is borne, and is at most a quarter of a stride below what could be."""
    server = _Server(capacity)
    found = await most_that_hold(server.holds, first, stride, most=400)
    bearable = min(capacity, 400)
    assert bearable - max(1, stride // 4) < found <= bearable
    assert found == 0 or found in server.tried
    assert (found == 0) == (capacity == 0)


@pytest.mark.parametrize("capacity", [0, 1, 5, 23, 40, 400, 1000])
@pytest.mark.parametrize(
    ("first", "stride", "most"),
    [(1, 1, 400), (8, 8, 400), (16, 16, 400), (16, 7, 39), (16, 16, 10), (5, 3, 1)],
)
async def test_each_try_is_new_possible_and_needed(
    capacity: int, first: int, stride: int, most: int
) -> None:
    """From 1 to ``most``, none twice; as many as it takes to stride up and to halve down."""
    server = _Server(capacity)
    await most_that_hold(server.holds, first, stride, most)
    assert min(server.tried) >= 1
    assert max(server.tried) <= most
    assert len(set(server.tried)) == len(server.tried)
    strides = 2 + min(capacity, most) // stride
    halvings = 1 + math.ceil(math.log2(max(first, stride)))
    assert len(server.tried) <= strides + halvings


async def test_it_goes_up_in_strides_and_then_halves() -> None:
    """The order of tries, since each of them costs time: no more than one far beyond."""
    server = _Server(23)
    assert await most_that_hold(server.holds, first=8, stride=8, most=400) == 22
    assert server.tried == [8, 16, 24, 20, 22]
