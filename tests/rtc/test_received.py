"""What a client keeps of the messages that come."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from rtc.messages import EmotionMessage
from rtc.received import Received

_RESULT = EmotionMessage(
    sequence=0,
    time_ms=0,
    evidence="none",
    voice=None,
    face=None,
    fused=None,
    top5=(),
    audio_level=0.0,
    latency_ms=None,
    picture_time_ms=None,
    sound_time_ms=None,
)


def _text(sequence: int) -> str:
    return replace(_RESULT, sequence=sequence).to_json()


def test_results_that_come_twice_or_late_are_left_out() -> None:
    """The channel is unordered, and a server may send twice: nobody sees either."""
    told: list[int] = []
    received = Received(lambda text: told.append(json.loads(text)["sequence"]))
    for sequence in (0, 1, 1, 3, 2, 4):
        received.take(_text(sequence))
    assert [result.sequence for result in received.results] == [0, 1, 3, 4] == told


def test_replies_are_kept_and_others_told_only() -> None:
    """A reply is there by the id of its question; a notice reaches who listens, and is gone."""
    told: list[str] = []
    received = Received(told.append)
    texts = (
        '{"version":1,"type":"refusal","id":7,"reason":"no"}',
        '{"version":1,"type":"refusal","id":null,"reason":"what?"}',
        '{"version":1,"type":"notice","code":"stopping","text":"soon"}',
    )
    for text in texts:
        received.take(text)
    assert list(received.replies) == [7]
    assert tuple(told) == texts
    assert not received.results


async def test_who_waits_for_more_is_told_how_many_came() -> None:
    """Lost ones count, by the next one's number; and none is an answer, too."""
    received = Received(None)
    received.take(_text(4))
    waiting = asyncio.create_task(received.more(2, within_s=5))
    await asyncio.sleep(0)
    received.take(_text(5))
    received.take(_text(7))
    assert await waiting == 3
    assert await received.more(1, within_s=0.01) == 0
