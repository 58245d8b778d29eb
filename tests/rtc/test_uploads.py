"""What is sent as a recording and is none, is too much, too slow, or breaks off."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from rtc.uploads import temporary_recording
from tests.analyses import StartAnalysing, analysed, analysts, held_in
from tests.eval.recordings import Pictures, Sound, grey, steady, write_recording
from tests.media import synthetic_speech
from tests.waiting import until

_SUBTITLES = b"1\n00:00:00,000 --> 00:00:01,000\nhello\n"
_OTHER_FILES = b"ffconcat version 1.0\nfile /etc/hostname\nfile 0\n"
_NOISE = np.random.default_rng(0).bytes(100_000)


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 400, "The recording is empty."),
        (b"hello", 415, "cannot be read as a recording"),
        (b"<html>not found</html>" * 5000, 415, "cannot be read as a recording"),
        (_NOISE, 415, "cannot be read as a recording"),
        (_SUBTITLES, 415, "cannot be read as a recording"),
        (_OTHER_FILES, 415, "cannot be read as a recording"),
        (cv2.imencode(".png", grey())[1].tobytes(), 415, "cannot be read as a recording"),
    ],
    ids=["nothing", "text", "page", "noise", "subtitles", "list", "picture"],
)
async def test_what_is_no_recording_is_refused(
    start_analysing: StartAnalysing, body: bytes, status: int, sentence: str
) -> None:
    """Each gets its status and a sentence, before any result."""
    answer = await analysed(await start_analysing(), body)
    assert answer.status == status
    assert list(answer.last) == ["error"]
    assert sentence in answer.last["error"]


async def test_a_film_whose_index_was_cut_off_is_refused(
    start_analysing: StartAnalysing, tmp_path: Path
) -> None:
    """The first half of an MP4 with its index at the end cannot be read."""
    content = write_recording(tmp_path / "a.mp4", steady(grey(), 2.0)).read_bytes()
    answer = await analysed(await start_analysing(), content[: content.index(b"moov") - 4])
    assert answer.status == 415
    assert "cannot be read as a recording" in answer.last["error"]


async def test_a_recording_without_a_frame_is_refused(
    start_analysing: StartAnalysing, tmp_path: Path
) -> None:
    """The head of a sound file and nothing behind it is refused before any result."""
    content = write_recording(tmp_path / "a.wav", sound=Sound(synthetic_speech(1.0))).read_bytes()
    answer = await analysed(await start_analysing(), content[: content.index(b"data") + 8])
    assert answer.status == 415
    assert "no frame that can be decoded" in answer.last["error"]


async def test_pictures_beyond_all_screens_are_refused(
    start_analysing: StartAnalysing, tmp_path: Path
) -> None:
    """Pictures too large to decode beside live sessions are named with their size."""
    path = write_recording(tmp_path / "a.mp4", Pictures([grey(2592, 4608)] * 2, [0.0, 0.5]))
    answer = await analysed(await start_analysing(), path.read_bytes())
    assert answer.status == 415
    assert "its pictures have 4608 x 2592 pixels" in answer.last["error"]


async def test_a_small_file_of_a_long_time_is_refused(
    start_analysing: StartAnalysing, tmp_path: Path
) -> None:
    """A few kilobytes that last for hours are refused by what they say of themselves."""
    path = write_recording(tmp_path / "a.mkv", Pictures([grey()] * 3, [0.0, 3000.0, 6000.0]))
    assert path.stat().st_size < 10_000
    answer = await analysed(await start_analysing(), path.read_bytes())
    assert answer.status == 413
    assert "lasts 6000 s; it may last 600 s" in answer.last["error"]


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"Content_Type": "application/json"}, "not JSON"),
        ({"Content_Type": "multipart/form-data; boundary=x"}, "--data-binary @FILE"),
        ({"Content_Encoding": "gzip"}, "without Content-Encoding"),
    ],
)
async def test_a_recording_in_a_wrapping_is_refused(
    start_analysing: StartAnalysing, headers: dict[str, str], sentence: str
) -> None:
    """Forms, JSON and compressed bodies get 415 and how to send it instead."""
    answer = await analysed(await start_analysing(), io.BytesIO(b"something"), **headers)
    assert answer.status == 415
    assert sentence in answer.last["error"]


async def test_more_than_is_allowed_is_refused(start_analysing: StartAnalysing) -> None:
    """A body that says that it is too large, and one that turns out to be, both get 413."""
    url = await start_analysing(max_bytes=50_000)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield _NOISE[:10_000]

    for body in (_NOISE, pieces()):
        answer = await analysed(url, body)
        assert answer.status == 413
        assert "larger than 0.0476837 MB" in answer.last["error"]


async def test_an_upload_that_stops_is_ended(start_analysing: StartAnalysing) -> None:
    """Where nothing comes for a while, 408 is the answer."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a beginning"
        await asyncio.Event().wait()

    answer = await analysed(await start_analysing(stall_s=0.3), pieces())
    assert (answer.status, answer.last["error"]) == (408, "The upload is too slow.")


async def test_an_upload_that_drips_is_ended(start_analysing: StartAnalysing) -> None:
    """A byte now and then does not keep the place for ever."""

    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"."
            await asyncio.sleep(0.05)

    answer = await analysed(await start_analysing(most_upload_s=0.5), pieces())
    assert (answer.status, answer.last["error"]) == (408, "The upload is too slow.")


async def test_a_server_without_room_for_files_says_so(
    start_analysing: StartAnalysing,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where no file can be made, 507 is the answer; the log says why; then it is made again."""
    url = await start_analysing()
    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
        answer = await analysed(url, b"hello")
    assert answer.status == 507
    assert "no room for recordings" in answer.last["error"]
    assert "is there room where TMPDIR says? [Errno 2]" in caplog.text
    assert (await analysed(url, b"hello")).status == 415


@pytest.mark.parametrize("nameless", [True, False])
def test_what_fails_while_a_file_is_there_is_not_for_want_of_room(
    held: Path, *, nameless: bool
) -> None:
    """Errors of the system that come later are passed on as they are, and the file goes."""
    with pytest.raises(ConnectionResetError), temporary_recording(nameless=nameless):
        raise ConnectionResetError
    assert held_in(held) == []


async def _connection(url: str, *headers: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    lines = ("POST /analyze HTTP/1.1", f"Host: {address.netloc}", *headers, "", "")
    writer.write("\r\n".join(lines).encode())
    return reader, writer


async def test_an_upload_that_breaks_off_leaves_nothing(
    start_analysing: StartAnalysing, held: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """When the sender goes half-way, so does the file; the place is free again, and the log, which
    strangers shall not fill, has nothing of it.
    """
    url = await start_analysing()
    _, writer = await _connection(url, "Content-Length: 1000000")
    writer.write(_NOISE)
    await until(lambda: bool(held_in(held)))
    writer.close()
    await until(lambda: not held_in(held))
    assert analysts() == []
    assert caplog.text == ""
    assert (await analysed(url, b"hello")).status == 415  # not 503


async def test_pieces_that_are_not_as_http_has_them_are_refused(
    start_analysing: StartAnalysing,
) -> None:
    """A body whose chunks are nonsense gets 400."""
    reader, writer = await _connection(await start_analysing(), "Transfer-Encoding: chunked")
    writer.write(b"5\r\nhello\r\nnonsense\r\n")
    assert (await reader.readline()).split()[1] == b"400"
    writer.close()


async def test_who_waits_to_be_told_is_told(start_analysing: StartAnalysing) -> None:
    """A client that asks first is told to send, and answered after it has."""
    headers = ("Content-Length: 5", "Expect: 100-continue")
    reader, writer = await _connection(await start_analysing(), *headers)
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"hello")
    assert await reader.readline() == b"HTTP/1.1 415 Unsupported Media Type\r\n"
    writer.close()


async def test_who_asks_first_need_not_send_what_is_refused(
    start_analysing: StartAnalysing,
) -> None:
    """A client that asks first is told at once that the recording would be too large."""
    headers = ("Content-Length: 50000000000", "Expect: 100-continue")
    reader, writer = await _connection(await start_analysing(), *headers)
    assert await reader.readline() == b"HTTP/1.1 413 Request Entity Too Large\r\n"
    writer.close()


@pytest.mark.parametrize("nameless", [True, False])
def test_a_temporary_file_is_read_by_another_process_and_goes(
    held: Path, *, nameless: bool
) -> None:
    """With a name or without, a child reads it from its start, twice; then nothing is left."""
    if nameless and sys.platform != "linux":
        pytest.skip("files without a name are read through Linux's /proc")
    read = "import json, sys; print(json.dumps([open(sys.argv[1]).read() for _ in range(2)]))"
    with temporary_recording(nameless=nameless) as recording:
        recording.file.write(b"content")
        assert bool(list(held.iterdir())) is not nameless
        child = subprocess.run(
            (sys.executable, "-c", read, str(recording.path)),
            pass_fds=recording.descriptors,
            capture_output=True,
            check=True,
        )
    assert json.loads(child.stdout) == ["content", "content"]
    assert held_in(held) == []
