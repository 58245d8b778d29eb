"""``python -m rtc.client`` as a process: how it ends when it is interrupted, or left alone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import LiveServer
from tests.eval.recordings import Sound, write_recording
from tests.media import Clip
from tests.processes import EMBEDDED, ROOT, Launch, ready
from tests.rtc.playing import silent_microphone
from tests.rtc.songs import write_talk
from tests.waiting import until

Command = Callable[..., Awaitable[Process]]


@pytest.fixture(scope="session")
def speech(happy_clip: Clip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A voice that outlasts every test here."""
    path = tmp_path_factory.mktemp("clips") / "speech.flac"
    return write_recording(path, sound=Sound(np.tile(happy_clip.sound, 20)))


@pytest.fixture
async def command() -> AsyncIterator[Command]:
    """Start it as a process of its own; killed at the end if need be."""
    started: list[Process] = []
    # Where this is set, nothing would be left in the buffer of a pipe that breaks.
    unset = "PYTHONUNBUFFERED"

    async def start(*arguments: str | Path) -> Process:
        environment = {name: text for name, text in os.environ.items() if name != unset}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "rtc.client", *map(str, arguments)),
            cwd=ROOT,
            env=environment,
            stdout=PIPE,
            stderr=PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def test_ctrl_c_ends_it_quietly(server: LiveServer, speech: Path, command: Command) -> None:
    """It hangs up, says nothing, and its exit code is the shell's for that."""
    process = await command(server.url, speech)
    await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(10):
        _, said = await process.communicate()
    assert (process.returncode, said) == (130, b"")
    await until(lambda: not server.registry.sessions, within_s=1.0)


async def test_ctrl_c_ends_it_while_a_device_gives_nothing(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a microphone that has not said anything yet hold it up."""
    with silent_microphone(tmp_path, monkeypatch) as silent:
        devices = "--camera", "--picture-device", "none", "--sound-device", "silent"
        process = await command("http://127.0.0.1:9", *devices)
        await until(lambda: silent.is_open_in(process.pid), within_s=20.0)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            _, said = await process.communicate()
    assert (process.returncode, said) == (130, b"")


async def test_a_reader_that_has_enough_ends_it_quietly(
    server: LiveServer, speech: Path, command: Command
) -> None:
    """As with ``| head -2``: no complaint, exit code 0."""
    process = await command(server.url, speech)
    for _ in range(2):
        await process.stdout.readline()
    process._transport.get_pipe_transport(1).close()
    async with asyncio.timeout(10):
        said = await process.stderr.read()
        assert (await process.wait(), said) == (0, b"")


async def test_a_server_that_stops_is_told_of(
    launch: Launch, speech: Path, command: Command
) -> None:
    """Its notice is printed as it comes, its end as an error, and the exit code is 1."""
    served = await launch("--port", "0", "--drain", "1", *EMBEDDED)
    _, url = await ready(served)
    process = await command(url, speech)
    await process.stdout.readline()
    served.send_signal(signal.SIGTERM)
    async with asyncio.timeout(15):
        _, said = await process.communicate()
    notice, error = said.decode().splitlines()
    assert notice.startswith("notice: The server is about to stop")
    assert error.startswith("error: the server is gone: ")
    assert process.returncode == 1


async def test_a_server_that_falls_silent_is_told_of(
    launch: Launch, happy_clip: Clip, tmp_path: Path, command: Command
) -> None:
    """Killed without a goodbye, it is missed when the recording is over at the latest."""
    served = await launch("--port", "0", *EMBEDDED)
    _, url = await ready(served)
    process = await command(url, write_talk(tmp_path / "a.mp4", happy_clip, seconds=2))
    await process.stdout.readline()
    served.kill()
    async with asyncio.timeout(20):
        _, said = await process.communicate()
    assert said.startswith(b"error: the server is gone: ")
    assert (process.returncode, said.count(b"\n")) == (1, 1)


async def test_the_help_explains_the_exit_codes(command: Command) -> None:
    """It is there for whoever writes a script."""
    process = await command("--help")
    told, _ = await process.communicate()
    assert process.returncode == 0
    assert "Exit code: 0 when" in " ".join(told.decode().split())
