"""The process that analyses: it stands back, is told no secret, and never outlives its server."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import FileIO
from pathlib import Path

import aiohttp
import psutil
import pytest

from models.loading import ModelConfig
from rtc import analyst_process
from rtc.analyst_process import assignment_for
from rtc.config import SessionConfig
from rtc.uploads import TemporaryRecording, UploadConfig
from tests.analyses import StartAnalysing, analysed, analysts, held_in, readable
from tests.processes import EMBEDDED, ROOT, Launch, ready
from tests.waiting import until


@asynccontextmanager
async def _answering(url: str, body: bytes) -> AsyncIterator[aiohttp.StreamReader]:
    """Send a recording and wait until it is being analysed."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/analyze", data=readable(body)) as response,
    ):
        assert json.loads(await response.content.readline())["type"] == "progress"
        yield response.content


async def _last(content: aiohttp.StreamReader) -> dict[str, str]:
    return [json.loads(line) async for line in content][-1]


async def test_it_stands_back_and_knows_no_secret(
    start_analysing: StartAnalysing, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others go first, memory of media is never dumped to disk, and neither token nor password is
    in its environment.
    """
    monkeypatch.setenv("EMOTION_TOKEN", "for the server alone")
    monkeypatch.setenv("ICE_CREDENTIAL", "for the server alone")
    async with _answering(await start_analysing(), clip):
        (analyst,) = analysts()
        assert analyst.nice() == min(19, psutil.Process().nice() + 10)
        assert analyst.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert max(analyst.rlimit(psutil.RLIMIT_CPU)) == 2 * (60 + 2 * 600)
        assert "for the server alone" not in analyst.environ().values()
        assert "for the server alone" not in " ".join(analyst.cmdline())


async def test_only_the_server_ends_it(start_analysing: StartAnalysing, clip: bytes) -> None:
    """Ctrl-C, which goes to the server's group, does not reach it, and SIGTERM, of which service
    managers send one to each process, does not end it: those who wait are told why it ends.
    """
    async with _answering(await start_analysing(), clip) as content:
        (analyst,) = analysts()
        assert os.getpgid(analyst.pid) != os.getpgid(0)
        analyst.terminate()
        assert (await _last(content))["type"] == "summary"


async def test_a_process_that_dies_is_told_of(
    start_analysing: StartAnalysing, clip: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Killed while it works, as for want of memory, it leaves an error as the last line, a line in
    the log, and a server that serves.
    """
    url = await start_analysing()
    async with _answering(url, clip) as content:
        (analyst,) = analysts()
        analyst.kill()
        last = await _last(content)
    assert last["type"] == "error"
    assert "takes too much to decode" in last["error"]
    assert "ended with -9" in caplog.text
    assert (await analysed(url, clip)).last["type"] == "summary"


async def test_a_process_that_dies_over_the_file_is_a_refusal(
    start_analysing: StartAnalysing, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before it has opened the file, as by a crash of a decoder, it makes the answer 422."""
    started = analyst_process._started

    def killed(recording: TemporaryRecording) -> subprocess.Popen[bytes]:
        process = started(recording)
        process.kill()  # it does not know yet what to open
        return process

    monkeypatch.setattr(analyst_process, "_started", killed)
    answer = await analysed(await start_analysing(), clip)
    assert answer.status == 422
    assert "takes too much to decode" in answer.last["error"]


async def test_where_no_process_can_begin_one_may_come_again(
    start_analysing: StartAnalysing,
    clip: bytes,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """When the system starts no process, 503 and when to come again is the answer; the log says
    why, and the place is free for the next.
    """
    url = await start_analysing()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", "/nowhere/python")
        answer = await analysed(url, clip)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
    assert "too busy" in answer.last["error"]
    assert "no process can begin" in caplog.text
    assert (await analysed(url, clip)).last["type"] == "summary"


async def test_a_server_that_stops_says_so(launch: Launch, clip: bytes, tmp_path: Path) -> None:
    """On SIGTERM the answer ends with a sentence, process and file go, and nothing is logged."""
    flags = ("--port", "0", "--drain", "0", "--allow-upload", *EMBEDDED)
    process = await launch(*flags, TMPDIR=str(tmp_path))
    _, url = await ready(process)
    async with _answering(url, clip) as content:
        (analyst,) = analysts(psutil.Process(process.pid))
        process.send_signal(signal.SIGTERM)
        assert await _last(content) == {"type": "error", "error": "The server is about to stop."}
    assert await process.communicate() == (b"", b"")
    assert process.returncode == 0
    assert not analyst.is_running()
    assert held_in(tmp_path) == []


def test_it_ends_with_its_server_whatever_it_does(talking: Path) -> None:
    """Where its standard input ends, the server has gone, and it does not even finish."""
    uploads = UploadConfig(ModelConfig(face_model="embedded", offline=True))
    recording = TemporaryRecording(FileIO(talking), talking, ())
    assignment = assignment_for(recording, uploads, SessionConfig())
    with recording.file:
        analyst = subprocess.run(
            (sys.executable, "-m", "rtc.analyst"),
            cwd=ROOT,
            input=pickle.dumps(assignment),
            stdout=subprocess.PIPE,
            check=False,
        )
    assert analyst.returncode == 1
    assert b"summary" not in analyst.stdout


async def test_nothing_outlives_a_worker_that_is_killed(
    launch: Launch, clip: bytes, tmp_path: Path
) -> None:
    """With several workers, when the one that has a recording is killed, the process that analyses
    ends and the recording is gone; the next recording is analysed.
    """
    flags = ("--port", "0", "--workers", "2", "--allow-upload", *EMBEDDED)
    process = await launch(*flags, TMPDIR=str(tmp_path))
    _, url = await ready(process, within_s=60)
    async with _answering(url, clip):
        (analyst,) = analysts(psutil.Process(process.pid))
        worker = analyst.parent()
        assert worker is not None
        # Without a name, it is there for as long as one of the two is.
        assert any(path.endswith("(deleted)") for path in held_in(tmp_path, worker))
        worker.kill()
        await until(lambda: not analyst.is_running() and not worker.is_running())
    assert (await analysed(url, clip)).last["type"] == "summary"


async def test_a_full_disk_is_a_refusal(launch: Launch, clip: bytes) -> None:
    """Where the recording cannot be written, 507 and a sentence are the answer."""
    before = ("prlimit", "--fsize=100000")
    process = await launch("--port", "0", "--allow-upload", *EMBEDDED, before=before)
    _, url = await ready(process)
    answer = await analysed(url, clip)
    assert answer.status == 507
    assert "no room for this recording" in answer.last["error"]
