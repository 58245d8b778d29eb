"""Tasks that a connection's end overtakes: aiortc's are no errors, all others are."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSctpTransport
from aiortc.rtcsctptransport import ForwardTsnChunk

from rtc.strays import tolerate_strays


@pytest.fixture
async def association() -> AsyncIterator[RTCSctpTransport]:
    """One whose connection is not there, as after its end, and which has something to send."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.createDataChannel("emotions")
    connection.sctp._remote_port = 5000
    connection.sctp._forward_tsn_chunk = ForwardTsnChunk()
    yield connection.sctp
    await connection.close()


async def abandon(coroutine: Coroutine[Any, Any, None]) -> None:
    """Have it run as a task that nobody waits for, until it is forgotten."""
    task = asyncio.ensure_future(coroutine)
    await asyncio.wait([task])
    del task, coroutine
    gc.collect()


async def fail(error: Exception) -> None:
    """Raise from a task of our own."""
    raise error


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged as an error."""
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]


async def test_aiortc_leaves_such_tasks(
    association: RTCSctpTransport, caplog: pytest.LogCaptureFixture
) -> None:
    """Without our doing, one that is overtaken is an error; when it is none, this room may go."""
    await abandon(association._transmit())
    assert "never retrieved" in errors(caplog)[0]


async def test_those_that_are_overtaken_are_no_errors(
    association: RTCSctpTransport, caplog: pytest.LogCaptureFixture
) -> None:
    """What they raise is told of for debugging only."""
    tolerate_strays(asyncio.get_running_loop())
    with caplog.at_level(logging.DEBUG, "rtc.strays"):
        await abandon(association._transmit())
    assert errors(caplog) == []
    assert "overtaken" in caplog.text


async def test_our_own_are_errors(caplog: pytest.LogCaptureFixture) -> None:
    """A task of ours that raises the same is logged as ever."""
    tolerate_strays(asyncio.get_running_loop())
    await abandon(fail(ConnectionError("not connected")))
    assert "never retrieved" in errors(caplog)[0]


async def test_faults_of_aiortc_are_errors(
    association: RTCSctpTransport, caplog: pytest.LogCaptureFixture
) -> None:
    """A task of aiortc that raises anything else is logged as ever."""
    tolerate_strays(asyncio.get_running_loop())
    association._forward_tsn_chunk = None
    association._sent_queue = None
    await abandon(association._transmit())
    assert "never retrieved" in errors(caplog)[0]
