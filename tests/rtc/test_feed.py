"""What those who watch are told, and what is kept for those who come back."""

from __future__ import annotations

import json

import pytest

from rtc.feed import Feed, TooManyReadersError
from rtc.messages import NoticeMessage
from tests.rtc.results import empty_result


def _sequences(feed: Feed, number: int | None) -> list[int]:
    return [json.loads(told.json)["sequence"] for told in feed.after(number)]


def test_who_comes_first_sees_the_newestempty_result() -> None:
    """Before anybody watches, the newest result is all that is kept."""
    feed = Feed()
    for sequence in range(5):
        feed.put(empty_result(sequence))
    assert feed.after(None) == []
    with feed.reader():
        assert _sequences(feed, None) == [4]
        feed.put(empty_result(5))
        assert _sequences(feed, None) == [5]


def test_who_comes_back_gets_what_was_missed() -> None:
    """After a number come those after it, as far as they are kept."""
    feed = Feed()
    with feed.reader():
        for sequence in range(100):
            feed.put(empty_result(sequence))
    assert _sequences(feed, 97) == [97, 98, 99]
    assert _sequences(feed, 3) == list(range(40, 100))
    assert _sequences(feed, 100) == []


def test_a_number_of_an_earlier_session_counts_for_nothing() -> None:
    """A number that this feed has not come to gives the newest, not silence for ever."""
    feed = Feed()
    with feed.reader():
        for sequence in range(3):
            feed.put(empty_result(sequence))
    assert _sequences(feed, 500) == [2]


def test_notices_are_told_and_are_noempty_result() -> None:
    """A notice has its place in the feed; the newest result stays the newest."""
    feed = Feed()
    with feed.reader():
        feed.put(empty_result(0))
        feed.put(NoticeMessage(code="stopping", text="soon"))
        assert json.loads(feed.newest or "")["sequence"] == 0
        assert [json.loads(told.json)["type"] for told in feed.after(None)] == ["emotion", "notice"]


def test_the_end_is_said_once() -> None:
    """After the end there is one message that says why."""
    feed = Feed()
    with feed.reader() as news:
        feed.end("it was asked to end")
        feed.end("something else")
        assert news.is_set()
        (told,) = feed.after(None)
    assert feed.has_ended
    assert "it was asked to end" in told.json


def test_readers_are_bounded() -> None:
    """The seventeenth is refused, until one has left."""
    feed = Feed()
    readers = [feed.reader() for _ in range(16)]
    for reader in readers:
        reader.__enter__()
    with pytest.raises(TooManyReadersError), feed.reader():
        pass
    readers[0].__exit__(None, None, None)
    with feed.reader():
        assert feed.is_read
    for reader in readers[1:]:
        reader.__exit__(None, None, None)
    assert not feed.is_read
