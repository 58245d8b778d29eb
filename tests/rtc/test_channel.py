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
