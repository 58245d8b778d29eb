"""What a bad line does to packets: as much as it says, and the same for a seed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eval.network.impairment import Impairment, Line

_COUNT = 10_000


def _arrivals(impairment: Impairment, seed: int = 0) -> list[list[float]]:
    line = Line(seed)
    line.impairment = impairment
    return [line.arrivals_s() for _ in range(_COUNT)]


def test_a_line_that_is_told_nothing_harms_nothing() -> None:
    """Each packet arrives once, at once."""
    assert _arrivals(Impairment()) == [[0.0]] * _COUNT


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.2, 0.3, 1.0])
def test_as_many_are_lost_as_it_says(loss: float) -> None:
    """Of ten thousand packets the share that does not arrive is the one asked for."""
    lost = sum(not each for each in _arrivals(Impairment(loss=loss)))
    assert lost / _COUNT == pytest.approx(loss, abs=0.015)


def test_as_many_come_twice_as_it_says() -> None:
    """One packet in ten has a copy, and none more than one."""
    copies = [len(each) - 1 for each in _arrivals(Impairment(duplicate=0.1))]
    assert sum(copies) / _COUNT == pytest.approx(0.1, abs=0.015)
    assert set(copies) == {0, 1}


def test_as_many_are_overtaken_as_it_says() -> None:
    """One packet in ten comes 30 to 80 ms late, the others in time."""
    delays_s = [delay_s for (delay_s,) in _arrivals(Impairment(reorder=0.1, delay_ms=20))]
    late_s = [delay_s - 0.02 for delay_s in delays_s if delay_s != 0.02]
    assert len(late_s) / _COUNT == pytest.approx(0.1, abs=0.015)
    assert 0.03 <= min(late_s) < 0.035
    assert 0.075 < max(late_s) <= 0.08


def test_delays_spread_over_all_of_the_jitter() -> None:
    """With 200 ms of jitter packets take between the delay and 200 ms more, evenly."""
    delays_s = [each for (each,) in _arrivals(Impairment(delay_ms=20, jitter_ms=200))]
    assert 0.02 <= min(delays_s) < 0.025
    assert 0.215 < max(delays_s) <= 0.22
    assert sum(delays_s) / _COUNT == pytest.approx(0.12, abs=0.003)


def test_a_seed_is_a_fate() -> None:
    """The same seed harms the same packets in the same way; another does not."""
    bad = Impairment(loss=0.2, reorder=0.1, duplicate=0.1, delay_ms=20, jitter_ms=50)
    assert _arrivals(bad, seed=3) == _arrivals(bad, seed=3)
    assert _arrivals(bad, seed=3) != _arrivals(bad, seed=4)


def test_one_kind_of_harm_does_not_change_another() -> None:
    """The same packets are lost, whatever else happens to the others."""
    lossy = Impairment(loss=0.2)
    lost = [not each for each in _arrivals(lossy)]
    worse = replace(lossy, reorder=0.5, duplicate=0.5, jitter_ms=100)
    assert [not each for each in _arrivals(worse)] == lost


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"loss": 1.1}, "loss is a share"),
        ({"reorder": -0.1}, "reorder is a share"),
        ({"duplicate": 30}, "duplicate is a share"),
        ({"delay_ms": -1}, "cannot be negative"),
        ({"jitter_ms": -1}, "cannot be negative"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, float], sentence: str) -> None:
    """A share above one, or a packet that arrives before it is sent, is refused."""
    with pytest.raises(ValueError, match=sentence):
        Impairment(**wrong)
