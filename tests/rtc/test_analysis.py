"""Recordings sent by HTTP: what is said of them, and how it is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import av
import numpy as np
import pytest

from models.engine import InferenceEngine
from models.fusion import FusionConfig
from rtc.config import ServerConfig, SessionConfig
from rtc.moments import Tally
from rtc.player import Player
from rtc.recording import Recording
from tests.analyses import StartAnalysing, analysed, analysts, held_in, readable
from tests.conftest import StartServer
from tests.eval.recordings import Pictures, Sound, grey, steady, write_recording
from tests.media import photograph_clip, synthetic_speech
from tests.waiting import until


async def test_an_analysis_says_what_a_replay_says(
    start_analysing: StartAnalysing, engine: InferenceEngine, talking: Path, clip: bytes
) -> None:
    """Each moment has the message that a live session would send, and the summary is of them."""
    recording, tally = Recording(talking), Tally()
    moments = [moment async for moment in Player(recording, engine, SessionConfig()).moments()]
    for moment in moments:
        tally.add(moment)

    answer = await analysed(await start_analysing(), clip)

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert answer.headers["Cache-Control"] == "no-store"
    assert [line["time_s"] for line in answer.moments] == [moment.time_s for moment in moments]
    said = [json.loads(moment.message.to_json()) for moment in moments]
    assert [line["emotion"] for line in answer.moments] == said
    assert said[-1]["evidence"] == "both"
    summary = {"type": "summary", **asdict(tally.summary(recording.played_s))}
    assert answer.last == summary | {"damaged_packets": 0}


async def test_the_analysis_is_that_of_this_servers_sessions(
    start_analysing: StartAnalysing, clip: bytes
) -> None:
    """A server that gives the face all the weight says of a recording what the face says."""
    session = SessionConfig()
    tracker = replace(session.tracker, fusion=FusionConfig(w_voice=0.0))
    url = await start_analysing(session=replace(session, tracker=tracker))
    answer = await analysed(url, clip)
    both = [line["emotion"] for line in answer.moments if line["emotion"]["evidence"] == "both"]
    assert both
    for emotion in both:
        assert emotion["fused"]["probabilities"] == emotion["face"]["probabilities"]
        assert emotion["fused"]["probabilities"] != emotion["voice"]["probabilities"]


async def test_progress_comes_while_the_work_goes_on(
    start_analysing: StartAnalysing, talking: Path, clip: bytes
) -> None:
    """The first line says how long the recording is; more of them come, not all at the end."""
    url = await start_analysing()
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/analyze", data=readable(clip)) as response,
    ):
        first = json.loads(await response.content.readline())
        assert len(analysts()) == 1  # it is at work still
        lines = [first, *[json.loads(line) async for line in response.content]]
    assert first["type"] == "progress"
    assert first["time_s"] == 0
    assert abs(first["duration_s"] - Recording(talking).duration_s) < 0.01
    times_s = [line["time_s"] for line in lines if line["type"] in {"progress", "moment"}]
    assert times_s == sorted(times_s)
    assert {line["type"] for line in lines} == {"progress", "moment", "summary"}


async def test_it_may_be_sent_in_pieces_of_unknown_number(
    start_analysing: StartAnalysing, clip: bytes
) -> None:
    """A body without Content-Length, as of a program that records while it sends, is taken."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(clip), 10_000):
            yield clip[start : start + 10_000]

    answer = await analysed(await start_analysing(), pieces())
    assert answer.last["type"] == "summary"


@pytest.mark.parametrize(
    "flags", [("-X", "POST", "-T"), ("--data-binary",)], ids=["streamed", "at once"]
)
async def test_curl_sends_a_file(
    start_analysing: StartAnalysing, talking: Path, flags: tuple[str, ...]
) -> None:
    """Both ways in which curl sends a file as it is work, whatever type it gives it."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    file = f"@{talking}" if flags[-1] == "--data-binary" else str(talking)
    url = f"{await start_analysing()}/analyze"
    curl = await asyncio.create_subprocess_exec("curl", "-sS", *flags, file, url, stdout=PIPE)
    output, _ = await curl.communicate()
    lines = [json.loads(line) for line in output.splitlines()]
    assert curl.returncode == 0
    assert lines[-1]["type"] == "summary"


async def test_sound_alone_is_analysed(start_analysing: StartAnalysing, tmp_path: Path) -> None:
    """A sound file gives voice, and of the face that there is none."""
    path = write_recording(tmp_path / "a.flac", sound=Sound(synthetic_speech(2.2)))
    answer = await analysed(await start_analysing(), path.read_bytes())
    assert (answer.last["face"], answer.last["face_found_share"]) == (None, None)
    voice = answer.last["voice"]
    assert voice["label"] in voice["probabilities"]
    assert abs(sum(voice["probabilities"].values()) - 1) < 0.001
    assert answer.last["moments"] == 4


async def test_pictures_alone_are_analysed(start_analysing: StartAnalysing, tmp_path: Path) -> None:
    """A film without sound gives the face alone."""
    pictures = steady(photograph_clip().pictures[0], 2.2)
    path = write_recording(tmp_path / "a.mp4", pictures)
    answer = await analysed(await start_analysing(), path.read_bytes())
    assert answer.last["voice"] is None
    assert answer.last["fused"] == answer.last["face"]
    assert answer.last["face_found_share"] == 1.0


async def test_pictures_of_next_to_nothing_are_no_fault(
    start_analysing: StartAnalysing, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Pictures of two pixels a side hold no face, and nothing fails over them."""
    path = write_recording(tmp_path / "a.mkv", steady(grey(2, 2), 1.2))
    answer = await analysed(await start_analysing(), path.read_bytes())
    assert answer.last["face_found_share"] == 0.0
    assert capfd.readouterr().err == ""


async def test_half_a_recording_is_analysed_as_far_as_it_goes(
    start_analysing: StartAnalysing, tmp_path: Path
) -> None:
    """A file that was cut in the middle gives what is before the cut."""
    noise = np.random.default_rng(0).integers(0, 255, (40, 96, 128, 3), np.uint8)
    times_s = [n / 10 for n in range(40)]
    content = write_recording(tmp_path / "a.webm", Pictures(list(noise), times_s)).read_bytes()
    answer = await analysed(await start_analysing(), content[: len(content) // 2])
    assert answer.last["type"] == "summary"
    assert 1 <= answer.last["moments"] <= 5


async def test_a_recording_shorter_than_the_first_moment_says_so(
    start_analysing: StartAnalysing, tmp_path: Path
) -> None:
    """A fifth of a second gives no result, and a sentence that tells why."""
    path = write_recording(tmp_path / "a.wav", sound=Sound(synthetic_speech(0.2)))
    answer = await analysed(await start_analysing(), path.read_bytes())
    assert answer.last == {
        "type": "error",
        "error": "The recording cannot be analysed: it lasts 0.20 s; the first result takes 0.5 s.",
    }


async def test_a_recording_that_is_longer_than_it_says_is_ended(
    start_analysing: StartAnalysing, tmp_path: Path
) -> None:
    """Where nothing tells its length beforehand, the answer ends at the limit with an error."""
    path = tmp_path / "live.mkv"
    with av.open(str(path), "w", options={"live": "1"}) as container:
        stream = container.add_stream("mpeg4", 10)
        stream.height, stream.width, stream.pix_fmt = 96, 128, "yuv420p"
        for number in range(60):
            frame = av.VideoFrame.from_ndarray(grey(level=number * 4), format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    answer = await analysed(await start_analysing(max_length_s=3.0), path.read_bytes())
    assert answer.status == 200
    assert answer.lines[0]["duration_s"] is None
    assert answer.moments[-1]["time_s"] == 3.0
    assert answer.last == {
        "type": "error",
        "error": "The recording is longer than it says; it may last 3 s.",
    }


async def test_an_analysis_that_takes_too_long_is_ended(
    start_analysing: StartAnalysing, clip: bytes
) -> None:
    """After its time the answer ends with an error, and the process is gone."""
    url = await start_analysing(base_time_s=1.0, time_factor=0.0)  # loading takes longer
    answer = await analysed(url, clip)
    assert answer.last["error"].startswith("The analysis took longer than 1 s")


async def test_one_at_a_time(start_analysing: StartAnalysing, clip: bytes) -> None:
    """While a recording is taken, the next gets 503 and when to come again; then it is served."""
    url = await start_analysing()
    go_on = asyncio.Event()
    is_sending = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield clip[:1000]
        is_sending.set()
        await go_on.wait()
        yield clip[1000:]

    first = asyncio.create_task(analysed(url, pieces()), name="first")
    await is_sending.wait()
    refused = await analysed(url, clip)
    assert refused.status == 503
    assert refused.headers["Retry-After"] == "10"
    assert "Another recording is being analysed" in refused.last["error"]
    go_on.set()
    assert (await first).last["type"] == "summary"
    assert (await analysed(url, clip)).last["type"] == "summary"


async def test_a_reader_who_leaves_ends_the_analysis(
    start_analysing: StartAnalysing, clip: bytes
) -> None:
    """When the connection is closed half-way the process ends, and the next one is served."""
    url = await start_analysing()
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/analyze", data=readable(clip)) as response,
    ):
        assert await response.content.readline()
        (analyst,) = analysts()
        response.close()
    await until(lambda: not analyst.is_running())
    assert (await analysed(url, clip)).status == 200


async def test_a_reader_who_takes_nothing_is_left(
    start_analysing: StartAnalysing, held: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does not read the answer keeps the place for a while only, and then is cut off."""
    monkeypatch.setattr("rtc.streaming._WRITE_PATIENCE_S", 0.3)
    # Little to compute, and more to tell than the system keeps for who does not read.
    times_s = [3000.0 * n for n in range(10)]
    path = write_recording(tmp_path / "a.mkv", Pictures([grey()] * len(times_s), times_s))
    url = await start_analysing(max_length_s=50_000.0)
    address = urlsplit(url)
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        silent.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(silent, (address.hostname, address.port))
        content = path.read_bytes()
        head = f"POST /analyze HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n"
        await loop.sock_sendall(silent, head.encode() + content)
        await until(lambda: bool(analysts()))
        await until(lambda: not analysts() and not held_in(held), within_s=30)
        newest = b""
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionResetError):
                while received := await loop.sock_recv(silent, 1 << 20):
                    newest = received
        assert not newest.endswith(b"\r\n0\r\n\r\n")  # as if it were all


async def test_recordings_have_to_be_allowed(start_server: StartServer) -> None:
    """Without --allow-upload a recording is refused unread, with a sentence that names the flag."""
    server = await start_server(ServerConfig())
    answer = await analysed(server.url, b"anything")
    assert answer.status == 403
    assert "--allow-upload" in answer.last["error"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_recordings_are_posted(start_analysing: StartAnalysing, method: str) -> None:
    """Other methods get 405 and the one that is taken."""
    url = await start_analysing()
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, f"{url}/analyze") as response,
    ):
        assert response.status == 405
        assert (await response.json())["error"] == "/analyze takes POST only."
