"""Every answer to a recording is as the OpenAPI description says."""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from models.loading import ModelConfig
from rtc import analysis
from rtc.config import ServerConfig
from rtc.limits import AddressLimits
from rtc.uploads import UploadConfig
from tests.analyses import StartAnalysing, held_in, readable
from tests.conftest import StartServer
from tests.eval.recordings import Sound, write_recording
from tests.media import synthetic_speech
from tests.rtc.description import Description

DESCRIPTION = Description()


async def _answer(url: str, body: object, status: int) -> bytes:
    """Send a recording; return the answer, which has this status and is as described."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/analyze", data=readable(body)) as answer,
    ):
        said = await answer.read()
    assert answer.status == status, said[:200]
    DESCRIPTION.check_answer("postAnalyze", answer.status, answer.headers, said)
    return said


def _types(said: bytes) -> set[str]:
    return {json.loads(line)["type"] for line in said.splitlines()}


async def test_an_analysis_is_as_described(start_analysing: StartAnalysing, clip: bytes) -> None:
    """Each line of the answer, of every type that there is when all goes well."""
    said = await _answer(await start_analysing(), clip, 200)
    assert _types(said) == {"progress", "moment", "summary"}


async def test_an_analysis_that_fails_is_as_described(
    start_analysing: StartAnalysing, tmp_path: Path
) -> None:
    """Too short a recording ends in an error, which is described, too."""
    path = write_recording(tmp_path / "a.wav", sound=Sound(synthetic_speech(0.2)))
    said = await _answer(await start_analysing(), path.read_bytes(), 200)
    assert _types(said) == {"progress", "error"}


@pytest.mark.parametrize(
    ("status", "body", "limits"),
    [(400, b"", {}), (413, b"hello", {"max_bytes": 4}), (415, b"hello", {})],
)
async def test_what_is_no_recording_is_answered_as_described(
    start_analysing: StartAnalysing, status: int, body: bytes, limits: dict[str, Any]
) -> None:
    """Nothing, too much, and something else."""
    await _answer(await start_analysing(**limits), body, status)


async def test_a_slow_sender_and_the_next_are_answered_as_described(
    start_analysing: StartAnalysing,
) -> None:
    """Who sends nothing more gets 408; who comes meanwhile 503, and when to come again."""
    url = await start_analysing(stall_s=1.0)
    is_sending = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a beginning"
        is_sending.set()
        await asyncio.Event().wait()

    slow = asyncio.create_task(_answer(url, pieces(), 408), name="slow sender")
    await is_sending.wait()
    await _answer(url, b"hello", 503)
    await slow


async def test_what_is_hard_to_open_is_answered_as_described(
    start_analysing: StartAnalysing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """422 when opening takes longer than it may."""
    monkeypatch.setattr(analysis, "_OPENING_PATIENCE_S", 0.0)
    await _answer(await start_analysing(), b"hello", 422)


async def test_a_failure_is_answered_as_described(
    start_analysing: StartAnalysing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """500 when the process ends of itself without a word."""
    url = await start_analysing()
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    await _answer(url, b"hello", 500)


async def test_a_system_without_processes_is_answered_as_described(
    start_analysing: StartAnalysing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503, and when to come again, when no process can begin."""
    url = await start_analysing()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    await _answer(url, b"hello", 503)


async def test_one_who_sends_too_often_is_answered_as_described(
    start_server: StartServer, held: Path
) -> None:
    """429, and when to come again, after as many as a minute may have; then no file is left."""
    uploads = UploadConfig(ModelConfig(face_model="embedded"))
    limits = AddressLimits(offers_per_minute=1)
    server = await start_server(ServerConfig(uploads=uploads, address_limits=limits))
    await _answer(server.url, b"hello", 415)
    await _answer(server.url, b"hello", 429)
    assert held_in(held) == []


async def test_a_full_disk_is_answered_as_described(start_analysing: StartAnalysing) -> None:
    """507 when the system takes no more of the file."""
    url = await start_analysing()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        await _answer(url, b"x" * 2000, 507)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
