"""Find the most peers that are served well: up in strides, then between the last two levels."""

from __future__ import annotations

from collections.abc import Awaitable, Callable


async def most_that_hold(
    holds: Callable[[int], Awaitable[bool]], first: int, stride: int, most: int
) -> int:
    """Return the largest number, to within ``stride`` / 4 and at least 1, for which ``holds``.

    Args:
        holds: tries a number of peers; assumed to hold for all below one that does.
        first: where to begin; 0 is returned when not even one peer is served.
        stride: how far to go up at once, at least 1.
        most: not to be exceeded, at least 1.
    """
    good, bad = 0, most + 1
    step = max(1, stride // 4)
    wanted = min(first, most)
    while bad - good > step or (good == 0 and bad > 1):
        if await holds(wanted):
            good = wanted
        else:
            bad = wanted
        wanted = min(good + stride, most) if bad > most else max(1, (good + bad) // 2)
    return good
