"""Packets in turn: what is waited for, what is passed over, and for how long."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import pairwise

import pytest

from rtc.reordering import Reordering
from rtc.rtp import RtpPacket

_PATIENCE_S = 0.1
_LIMIT = 512


def _packet(number: int) -> RtpPacket:
    return RtpPacket(97, False, number % 65536, 0, 1, b"x")


def _put(reordering: Reordering, numbers: Iterable[int], now: float = 0.0) -> list[int]:
    """Put packets in at one time; return the numbers of those that come out."""
    out = [each for number in numbers for each in reordering.put(_packet(number), now)]
    return [packet.sequence_number for packet in out]


def test_in_order_each_passes_at_once() -> None:
    """Packets that come in order are not held back, wherever their numbers begin."""
    reordering = Reordering(_PATIENCE_S)
    for number in range(5000, 5100):
        assert _put(reordering, [number]) == [number]
        assert reordering.missing == []


def test_swapped_packets_come_in_order() -> None:
    """The later of two is held until the earlier has come."""
    reordering = Reordering(_PATIENCE_S)
    assert _put(reordering, [10, 12]) == [10]
    assert reordering.missing == [11]
    assert _put(reordering, [11]) == [11, 12]
    assert reordering.missing == []


def test_what_is_missing_is_waited_for_and_then_passed_over() -> None:
    """Up to its patience it holds back what is behind a gap; after it, no more."""
    reordering = Reordering(_PATIENCE_S)
    assert _put(reordering, [0, 2], now=0.0) == [0]
    assert _put(reordering, [3], now=0.1) == []
    assert reordering.missing == [1]
    assert _put(reordering, [4], now=0.11) == [2, 3, 4]
    assert reordering.missing == []
    assert _put(reordering, [5], now=0.12) == [5]


def test_what_comes_too_late_is_dropped() -> None:
    """A packet whose turn was passed over does not come out any more."""
    reordering = Reordering(_PATIENCE_S)
    _put(reordering, [0, 2], now=0.0)
    assert _put(reordering, [3], now=0.2) == [2, 3]
    assert _put(reordering, [1, 4], now=0.2) == [4]
    assert _put(reordering, [5], now=0.5) == [5]


def test_each_comes_out_once() -> None:
    """Packets that come twice, held back or not, come out once."""
    reordering = Reordering(_PATIENCE_S)
    assert _put(reordering, [0, 0, 2, 2, 0, 1, 1, 2]) == [0, 1, 2]


def test_the_wait_counts_from_the_first_packet_behind_the_gap() -> None:
    """Neither packets that follow nor the same one again prolong it."""
    reordering = Reordering(_PATIENCE_S)
    assert _put(reordering, [0, 2], now=0.0) == [0]
    assert _put(reordering, [2, 3], now=0.09) == []
    assert _put(reordering, [4], now=0.101) == [2, 3, 4]


def test_many_gaps_do_not_add_up_to_a_long_delay() -> None:
    """With every second packet lost each comes out within the patience and one packet more."""
    reordering = Reordering(_PATIENCE_S)
    for number in range(0, 2000, 2):
        now = number * 0.02
        for packet in reordering.put(_packet(number), now):
            assert now - packet.sequence_number * 0.02 <= _PATIENCE_S + 0.04 + 1e-9
    assert len(reordering._held) <= 4


def test_numbers_wrap() -> None:
    """0 follows 65535, in order, swapped and missing."""
    reordering = Reordering(_PATIENCE_S)
    assert _put(reordering, [65533, 65535]) == [65533]
    assert _put(reordering, [1]) == []
    assert reordering.missing == [65534, 0]
    assert _put(reordering, [0]) == []
    assert reordering.missing == [65534]
    assert _put(reordering, [65534]) == [65534, 65535, 0, 1]


@pytest.mark.parametrize("leap", [3001, 20_000, -3002, -20_000])
def test_a_leap_begins_anew(leap: int) -> None:
    """Numbers thousands away are another stream: they pass at once, what was held is forgotten."""
    reordering = Reordering(_PATIENCE_S)
    assert _put(reordering, [30_000, 30_002]) == [30_000]
    begin = 30_001 + leap
    assert _put(reordering, [begin, begin + 1]) == [begin, begin + 1]
    assert reordering.missing == []


def test_never_more_is_held_than_the_limit() -> None:
    """While time stands still a gap is passed over once too many packets wait behind it."""
    reordering = Reordering(_PATIENCE_S)
    assert _put(reordering, [0]) == [0]
    for number in range(2, _LIMIT + 2):
        assert _put(reordering, [number]) == []
        assert len(reordering._held) <= _LIMIT
    assert _put(reordering, [_LIMIT + 2]) == list(range(2, _LIMIT + 3))


def test_with_many_gaps_no_more_is_held_than_the_limit() -> None:
    """The limit holds where only every second packet comes, too."""
    reordering = Reordering(_PATIENCE_S)
    for number in range(0, 4 * _LIMIT, 2):
        _put(reordering, [number])
        assert len(reordering._held) <= _LIMIT


@pytest.mark.parametrize("seed", range(20))
def test_shuffled_packets_come_out_complete_and_in_order(seed: int) -> None:
    """Whatever their order within some packets, and with some twice, nothing is lost."""
    rng = random.Random(seed)
    begin = rng.choice([0, 65_300, rng.randrange(65536)])
    reach = rng.choice([2, 10, 100])
    rest = sorted(range(1, 1000), key=lambda number: number + rng.uniform(0, reach))
    numbers = [0, *rest, *rng.sample(rest, 50)]
    out = _put(Reordering(_PATIENCE_S), [begin + number for number in numbers])
    assert out == [(begin + number) % 65536 for number in range(1000)]


@pytest.mark.parametrize("seed", range(20))
def test_with_losses_what_comes_out_rises_and_what_is_missing_is_exact(seed: int) -> None:
    """Shuffled, lost and doubled over time: strictly rising, nothing invented, gaps named."""
    rng = random.Random(seed)
    begin = rng.randrange(64_000, 65_536)
    kept = [number for number in range(2000) if number == 0 or rng.random() > 0.1]
    kept = [0, *sorted(kept[1:], key=lambda number: number + rng.uniform(0, 8))]
    reordering, out, come = Reordering(_PATIENCE_S), [], set()
    for number in kept:
        come.add(number)
        released = _put(reordering, [begin + number], number * 0.01)
        out += [(each - begin) % 65536 for each in released]
        last = out[-1]
        waited_for = set(range(last + 1, max(come) + 1)) - come
        assert reordering.missing == [(begin + each) % 65536 for each in sorted(waited_for)]
    assert all(earlier < later for earlier, later in pairwise(out))
    assert set(out) <= set(kept)
    assert len(out) > 0.95 * len(kept)
