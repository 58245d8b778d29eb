"""What a client keeps of the messages that come."""

from __future__ import annotations

import asyncio
import json

from rtc.received import Received
from tests.rtc.results import empty_result


def test_results_that_come_twice_or_late_are_left_out() -> None:
    """The channel is unordered, and a server may send twice: nobody sees either."""
    told: list[int] = []
    received = Received(lambda text: told.append(json.loads(text)["sequence"]))
    for sequence in (0, 1, 1, 3, 2, 4):
        received.take(empty_result(sequence).to_json())
    assert [result.sequence for result in received.results] == [0, 1, 3, 4] == told


def test_replies_are_kept_and_others_told_only() -> None:
    """An awaited reply is there by the id of its question; a notice reaches who listens, and is
    gone.
    """
    told: list[str] = []
    received = Received(told.append)
    texts = (
        '{"version":1,"type":"refusal","id":7,"reason":"no"}',
        '{"version":1,"type":"refusal","id":null,"reason":"what?"}',
        '{"version":1,"type":"notice","code":"stopping","text":"soon"}',
    )
    with received.awaiting(7):
        for text in texts:
            received.take(text)
        assert list(received.replies) == [7]
    assert tuple(told) == texts
    assert not received.results


def test_late_replies_are_not_kept() -> None:
    """What comes when nobody waits any more, or what nobody fetched, is gone."""
    received = Received(None)
    with received.awaiting(7):
        received.take('{"version":1,"type":"refusal","id":7,"reason":"no"}')
    received.take('{"version":1,"type":"refusal","id":7,"reason":"no"}')
    assert not received.replies


async def test_who_waits_for_more_is_told_how_many_came() -> None:
    """Lost ones count, by the next one's number; and none is an answer, too."""
    received = Received(None)
    received.take(empty_result(4).to_json())
    waiting = asyncio.create_task(received.more(2, within_s=5))
    await asyncio.sleep(0)
    received.take(empty_result(5).to_json())
    received.take(empty_result(7).to_json())
    assert await waiting == 3
    assert await received.more(1, within_s=0.01) == 0
