"""A replica's process: what it bears, what ends it, and what an offer leaves behind."""

from __future__ import annotations

import asyncio
import os
import signal

import psutil
import pytest

from rtc.cluster.messages import Asked
from rtc.cluster.replica_process import ReplicaFailedError, ReplicaProcess
from tests.media import Clip, SoundTrack
from tests.publishers import sdp_offer
from tests.rtc.cluster.small_cluster import duties, replica


async def _asked(clip: Clip) -> Asked:
    """Return an offer of somebody who will not send anything."""
    connection, sdp = await sdp_offer(SoundTrack(clip.sound))
    await connection.close()
    return Asked("POST", "/whip", (("Content-Type", "application/sdp"),), sdp.encode())


async def test_a_session_lasts_as_long_as_its_request(happy_clip: Clip) -> None:
    """``until_over`` returns when the session has been ended, and not before."""
    async with replica(duties()) as process:
        answered, session_id = await process.ask(await _asked(happy_clip))
        assert (answered.status, await process.people()) == (201, 1)
        assert session_id is not None
        lasting = asyncio.create_task(process.until_over(session_id))
        done, _ = await asyncio.wait([lasting], timeout=0.5)
        assert not done
        await process.end_all()
        await asyncio.wait_for(lasting, 5)
        assert await process.people() == 0


async def test_who_does_not_wait_for_the_answer_takes_no_place(happy_clip: Clip) -> None:
    """An offer whose asker has gone is answered all the same; its session is ended at once."""
    async with replica(duties()) as process:
        asking = asyncio.create_task(process.ask(await _asked(happy_clip)))
        await asyncio.sleep(0)  # so that it has begun
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        (ending,) = process._abandoned
        await asyncio.wait_for(ending, 10)
        async with asyncio.timeout(5):  # it would wait 15 s for its peer
            while await process.people():  # noqa: ASYNC110  another process sets no event
                await asyncio.sleep(0.05)


async def test_one_pause_is_borne_and_a_hang_is_not() -> None:
    """A process that misses one check is left alone; at the second in a row it is killed."""
    async with replica(duties()) as process:
        serving = _process_at(process)
        os.kill(serving, signal.SIGSTOP)
        await process.check()
        os.kill(serving, signal.SIGCONT)
        await process.check()
        os.kill(serving, signal.SIGSTOP)
        await process.check()
        with pytest.raises(ReplicaFailedError, match="does not answer"):
            await process.check()
        await asyncio.wait_for(process.ended(), 5)
        with pytest.raises(ReplicaFailedError):
            await process.people()


async def test_its_last_word_is_why_it_did_not_start() -> None:
    """What is wrong with a network's file is the message of the error."""
    with pytest.raises(ReplicaFailedError, match=r"no\.pt is missing"):
        async with replica(duties("--audio-weights", "no.pt")):
            pass


def _process_at(process: ReplicaProcess) -> int:
    """Return the process that listens where this one serves."""
    port = int(process.url.rpartition(":")[2])
    (pid,) = {
        each.pid
        for each in psutil.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN and each.laddr.port == port
    }
    assert pid is not None
    return pid
