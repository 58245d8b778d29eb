"""Small damage to bytes, by a seeded generator: the same seed does the same damage."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

_TELLING = (0, 1, 2, 3, 4, 5, 127, 128, 255, 256, 1024, 32767, 32768, 65534, 65535)
_MOST_AT_ONCE = 4

_Mutator = Callable[[Random, bytearray], None]


def mutated(rng: Random, data: bytes) -> bytes:
    """Return ``data`` with one to four kinds of damage."""
    damaged = bytearray(data)
    for _ in range(rng.randint(1, _MOST_AT_ONCE)):
        rng.choice(_MUTATORS)(rng, damaged)
    return bytes(damaged)


def telling(rng: Random, bits: int) -> int:
    """Return a number of so many bits at which programs fail more often than at others."""
    return rng.choice((rng.getrandbits(bits), rng.choice(_TELLING), -rng.choice(_TELLING))) % (
        1 << bits
    )


def _flip_bits(rng: Random, data: bytearray) -> None:
    for _ in range(rng.randint(1, 8)):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _overwrite_number(rng: Random, data: bytearray) -> None:
    size = rng.choice((1, 2, 4))
    if len(data) >= size:
        at = rng.randrange(len(data) - size + 1)
        data[at : at + size] = telling(rng, 8 * size).to_bytes(size, "big")


def _cut_off(rng: Random, data: bytearray) -> None:
    del data[rng.randint(0, len(data)) :]


def _leave_out(rng: Random, data: bytearray) -> None:
    at = rng.randint(0, len(data))
    del data[at : at + rng.randint(1, 16)]


def _say_twice(rng: Random, data: bytearray) -> None:
    at = rng.randint(0, len(data))
    data[at:at] = data[at : at + rng.randint(1, 64)]


def _put_in(rng: Random, data: bytearray) -> None:
    at = rng.randint(0, len(data))
    data[at:at] = rng.randbytes(rng.randint(1, 32))


def _put_behind(rng: Random, data: bytearray) -> None:
    data += rng.randbytes(rng.choice((1, 4, 100, 1500)))


_MUTATORS: tuple[_Mutator, ...] = (
    _flip_bits,
    _overwrite_number,
    _cut_off,
    _leave_out,
    _say_twice,
    _put_in,
    _put_behind,
)
