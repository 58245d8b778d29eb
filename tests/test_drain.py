"""How the running command ends while people are there."""

from __future__ import annotations

import asyncio
import signal
import time

import aiohttp
import pytest

from rtc.client import RefusedError
from tests.media import Clip, SoundTrack
from tests.peers import Peer
from tests.processes import EMBEDDED, Launch, ready


async def test_sigterm_lets_nobody_in_tells_who_is_there_and_waits(
    launch: Launch, happy_clip: Clip
) -> None:
    """After SIGTERM an offer gets 503, readiness is gone, and whoever is there is told and served
    until the limit; then all ends in order.
    """
    process = await launch("--port", "0", "--drain", "3", *EMBEDDED)
    _, url = await ready(process)
    async with Peer(url, SoundTrack(happy_clip.sound)) as peer:
        await peer.results(1)
        process.send_signal(signal.SIGTERM)
        asked_at = time.monotonic()
        await peer.results(2)
        assert [reply["code"] for reply in peer.replies] == ["stopping"]
        with pytest.raises(RefusedError, match="about to stop") as refusal:
            await Peer(url, SoundTrack(happy_clip.sound)).__aenter__()
        assert refusal.value.status == 503
        async with aiohttp.ClientSession() as http, http.get(f"{url}/readyz") as response:
            assert response.status == 503
        await peer.results(2)
        assert await process.wait() == 0
        assert 3 <= time.monotonic() - asked_at < 7


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
async def test_ctrl_c_and_a_second_signal_end_it_at_once(
    launch: Launch, happy_clip: Clip, first: signal.Signals
) -> None:
    """Nobody waits for those who are there: not after SIGINT, nor after one more signal."""
    process = await launch("--port", "0", "--drain", "60", *EMBEDDED)
    _, url = await ready(process)
    async with Peer(url, SoundTrack(happy_clip.sound)) as peer:
        await peer.results(1)
        process.send_signal(first)
        if first is signal.SIGTERM:
            await peer.results(1)
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(8):
            assert await process.wait() == 0


async def test_with_nobody_there_it_ends_at_once(launch: Launch) -> None:
    """A drain is over when the last one has left."""
    process = await launch("--port", "0", "--drain", "60", *EMBEDDED)
    await ready(process)
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(5):
        assert await process.wait() == 0


async def test_workers_drain_too(launch: Launch, happy_clip: Clip) -> None:
    """SIGTERM to the first process gives everybody of every worker the same time."""
    process = await launch("--port", "0", "--workers", "2", "--drain", "2", *EMBEDDED)
    _, url = await ready(process)
    async with Peer(url, SoundTrack(happy_clip.sound)) as peer:
        await peer.results(1)
        process.send_signal(signal.SIGTERM)
        asked_at = time.monotonic()
        await peer.results(2)
        assert [reply["code"] for reply in peer.replies] == ["stopping"]
        assert await process.wait() == 0
        assert 2 <= time.monotonic() - asked_at < 8
