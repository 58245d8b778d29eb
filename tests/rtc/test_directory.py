"""Names: what follows from a key, and what is found by which."""

from __future__ import annotations

import re

import pytest

from models.engine import InferenceEngine
from rtc.config import SessionConfig
from rtc.directory import Directory
from rtc.naming import KeyRefusedError, names_of
from rtc.session import PeerSession

_KEY = "a-key-of-this-test-alone"


def _session(engine: InferenceEngine, name: str) -> PeerSession:
    return PeerSession(name, engine, SessionConfig())


def test_names_follow_from_the_key_and_not_the_key_from_them() -> None:
    """One key gives one name to watch by, in every process, and a new one to end by each time."""
    first, second = names_of(_KEY), names_of(_KEY)
    assert (first.key, first.watch) == (second.key, second.watch) == (_KEY, first.watch)
    assert first.control != second.control
    assert names_of(first.watch).watch != first.watch
    made_up = names_of()
    assert len({*first, *made_up}) == 6
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22,64}", name) for name in (*first, *made_up))


@pytest.mark.parametrize("key", ["", "x" * 21, "x" * 65, "x" * 30 + "/", "x" * 30 + "\n"])
def test_what_can_be_guessed_is_no_key(key: str) -> None:
    """A key is long, and of letters that need no quoting."""
    with pytest.raises(KeyRefusedError, match="POST /sessions"):
        names_of(key)


async def test_a_session_is_found_until_it_ends_and_remembered_then(
    engine: InferenceEngine,
) -> None:
    """Each name finds it for its own purpose only, and says afterwards that it was."""
    directory, names = Directory(), names_of()
    session = _session(engine, "one")
    directory.add(session, names)
    assert directory.watched(names.watch) is directory.controlled(names.control) is session
    for name in (names.key, names.control):
        assert directory.watched(name) is None
    for name in (names.key, names.watch):
        assert directory.controlled(name) is None
    directory.remove(session, names)
    assert directory.watched(names.watch) is directory.controlled(names.control) is None
    assert directory.was_watched(names.watch)
    assert directory.was_controlled(names.control)
    assert not directory.was_watched(names.control)
    assert not directory.was_controlled(names.watch)
    await session.aclose()


@pytest.mark.parametrize("ends_first", ["before", "after"])
async def test_who_comes_back_is_found_whichever_ends_first(
    engine: InferenceEngine, ends_first: str
) -> None:
    """The session before has to end, and takes nothing of the one after with it."""
    directory, before_names, after_names = Directory(), names_of(_KEY), names_of(_KEY)
    before, after = _session(engine, "before"), _session(engine, "after")
    directory.add(before, before_names)
    directory.add(after, after_names)
    assert before._over.is_set()
    assert directory.watched(after_names.watch) is after
    if ends_first == "before":
        directory.remove(before, before_names)
        assert directory.watched(after_names.watch) is after
        directory.remove(after, after_names)
    else:
        directory.remove(after, after_names)
        directory.remove(before, before_names)
    assert directory.watched(after_names.watch) is None
    await before.aclose()
    await after.aclose()
