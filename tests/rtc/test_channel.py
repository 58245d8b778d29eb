"""Sending or dropping, never queueing."""

from __future__ import annotations

from unittest.mock import PropertyMock, patch

import pytest
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection

from models.tracker import Estimate
from rtc.channel import EmotionChannel
from rtc.messages import Message, RefusalMessage, message_from

_MESSAGE = message_from(
    Estimate(None, None, None),
    sequence=0,
    now=0,
    time_ms=0,
    audio_level=0,
    picture=None,
    sound=None,
)
_REPLY = RefusalMessage(id=None, reason="the message is not JSON")


@pytest.mark.parametrize("message", [_MESSAGE, _REPLY], ids=["emotion", "reply"])
async def test_a_channel_that_is_not_open_sends_nothing(message: Message) -> None:
    """Before the channel opens a message is let go without an error."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    data_channel = peer.createDataChannel("emotions")
    EmotionChannel(data_channel, 100).send(message)
    assert data_channel.bufferedAmount == 0
    await peer.close()


@pytest.mark.parametrize("message", [_MESSAGE, _REPLY], ids=["emotion", "reply"])
async def test_a_peer_that_does_not_read_loses_messages(message: Message) -> None:
    """With more unsent than the limit a message is dropped and counted, not queued."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    channel = EmotionChannel(peer.createDataChannel("emotions"), 100)
    with (
        patch.object(RTCDataChannel, "readyState", PropertyMock(return_value="open")),
        patch.object(RTCDataChannel, "bufferedAmount", PropertyMock(return_value=101)),
        patch.object(RTCDataChannel, "send") as sent,
    ):
        channel.send(message)
        assert (channel.drops, sent.call_count) == (1, 0)
    await peer.close()


@pytest.mark.parametrize(
    ("message", "lacks", "pause_s", "copies"),
    [
        (_MESSAGE, 0, 0.5, 1),
        (_MESSAGE, 1, 0.5, 2),
        (_MESSAGE, 3, 0.5, 2),
        (_MESSAGE, 1, 0.2, 1),  # its acknowledgement may be on its way
        (_REPLY, 1, 0.5, 1),  # who lacks it asks again
    ],
)
async def test_while_packets_are_lost_results_are_sent_twice(
    message: Message, lacks: int, pause_s: float, copies: int
) -> None:
    """A result goes out twice while the one before it is not acknowledged; and if only one packet
    may be on its way after losses, there is room for several all the same.
    """
    peer, now_s = RTCPeerConnection(RTCConfiguration(iceServers=[])), 100.0
    data_channel = peer.createDataChannel("emotions")
    association = data_channel.transport
    with (
        patch.object(RTCDataChannel, "readyState", PropertyMock(return_value="open")),
        patch.object(RTCDataChannel, "send") as sent,
    ):
        channel = EmotionChannel(data_channel, 16_384, lambda: now_s)
        association._local_tsn = (association._last_sacked_tsn + 1 + lacks) % (1 << 32)
        association._cwnd = 1160
        now_s += pause_s
        channel.send(message)
        assert sent.call_count == copies
        assert association._cwnd >= 4 * 1160
    await peer.close()
