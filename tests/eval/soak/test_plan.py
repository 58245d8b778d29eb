"""Who comes: the same for the same seed, and of every kind."""

from __future__ import annotations

from eval.soak.plan import ROUND_LENGTH, Kind, Sends, plan


def test_the_same_seed_gives_the_same_lives() -> None:
    """Kinds, media, lengths and what else is left to chance are all as they were."""
    assert plan(7, 200) == plan(7, 200)


def test_fewer_lives_are_the_first_of_more() -> None:
    """A shorter soak with a seed begins as the longer one does."""
    assert plan(7, 200)[:30] == plan(7, 30)


def test_another_seed_gives_other_lives() -> None:
    """Neither the order of the kinds nor anything else stays."""
    one, other = plan(7, 200), plan(8, 200)
    assert [life.kind for life in one] != [life.kind for life in other]
    assert not {life.seed for life in one} & {life.seed for life in other}


def test_every_round_has_every_kind() -> None:
    """However few there are, everybody who vanishes or sends garbage is among them."""
    lives = plan(0, 5 * ROUND_LENGTH)
    for first in range(0, len(lives), ROUND_LENGTH):
        assert {life.kind for life in lives[first : first + ROUND_LENGTH]} == set(Kind)


def test_media_and_lengths_differ() -> None:
    """Some have sound alone, some pictures alone; nobody stays for less than a second."""
    lives = plan(0, 200)
    assert {life.sends for life in lives} == set(Sends)
    stays_s = [life.stay_s for life in lives]
    assert 1 <= min(stays_s) < 2
    assert 7 < max(stays_s) <= 8
