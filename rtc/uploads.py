"""Take a recording from a stranger: into a file without a name, bounded in size and time.

Nothing a person says or shows is written to disk, with this one exception, which an operator has to
allow: FFmpeg must go back and forth in a recording, and it may be larger than what memory is there
for it. The file has no name where the system can do without (Linux), so that nothing else finds it
and it is gone with the process, however that ends; elsewhere it is removed when it was analysed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from rtc.refusals import RefusalError

if TYPE_CHECKING:
    from models.loading import ModelConfig  # which loads much

_log = logging.getLogger(__name__)

_MB = 1024 * 1024


@dataclass(frozen=True)
class UploadConfig:
    """Of recordings that are analysed.

    Attributes:
        models: which networks do it: the server's own.
        max_bytes: of one recording.
        max_length_s: of one recording.
        stall_s: an upload of which nothing comes for so long is ended.
        most_upload_s: how long an upload may take; nobody else's is taken meanwhile.
        base_time_s: how long an analysis may take, besides ``time_factor`` times the longest
            recording.
        time_factor: see there.
    """

    models: ModelConfig
    max_bytes: int = 100 * _MB
    max_length_s: float = 600.0
    stall_s: float = 30.0
    most_upload_s: float = 300.0
    base_time_s: float = 60.0
    time_factor: float = 2.0

    @property
    def most_time_s(self) -> float:
        """How long an analysis may take."""
        return self.base_time_s + self.time_factor * self.max_length_s


@dataclass(frozen=True)
class TemporaryRecording:
    """A recording that is there for as long as it is analysed.

    Attributes:
        file: to write into.
        path: at which a process that has ``descriptors`` can open it.
        descriptors: what to hand on to such a process.
    """

    file: FileIO
    path: Path
    descriptors: tuple[int, ...]


@contextlib.contextmanager
def temporary_recording(
    *, nameless: bool = sys.platform == "linux"
) -> Iterator[TemporaryRecording]:
    """Make a file in the folder that TMPDIR names, and have it gone in the end.

    Raises:
        RefusalError: it cannot be made.
    """
    with contextlib.ExitStack() as kept:
        try:
            recording = _nameless_file(kept) if nameless else _named_file(kept)
        except OSError as error:
            _log.warning("recordings cannot be taken; is there room where TMPDIR says? %s", error)
            raise RefusalError(
                507, "no_room", "The server has no room for recordings; its log has the details."
            ) from error
        yield recording


def _nameless_file(kept: contextlib.ExitStack) -> TemporaryRecording:
    file = kept.enter_context(tempfile.TemporaryFile(buffering=0))  # noqa: SIM115  it is one
    assert isinstance(file, FileIO)
    number = file.fileno()
    return TemporaryRecording(file, Path(f"/proc/self/fd/{number}"), (number,))


def _named_file(kept: contextlib.ExitStack) -> TemporaryRecording:
    path = Path(kept.enter_context(tempfile.TemporaryDirectory())) / "recording"
    return TemporaryRecording(kept.enter_context(path.open("xb", buffering=0)), path, ())


def check_upload(request: web.Request, config: UploadConfig) -> None:
    """See by its headers whether a body can be a recording that is taken.

    Any type is: programs that send a file seldom say what it is. But for those that are surely
    none.

    Raises:
        RefusalError: it cannot.
    """
    if request.content_type.startswith("multipart/"):
        raise RefusalError(
            415,
            "type",
            "Send the recording itself as the body, not a form; with curl: --data-binary @FILE.",
        )
    if request.content_type == "application/json":
        raise RefusalError(415, "type", "Send the recording itself as the body, not JSON.")
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise RefusalError(415, "type", "Send the recording as it is, without Content-Encoding.")
    if (request.content_length or 0) > config.max_bytes:
        raise _too_large(config)
    if not request.can_read_body:
        raise _empty()


async def receive(request: web.Request, config: UploadConfig, file: FileIO) -> None:
    """Write the body of a request into ``file``, as it comes.

    Raises:
        RefusalError: it is empty, too large, too slow or breaks off, or there is no room for it.
    """
    await _invite(request)
    loop = asyncio.get_running_loop()
    latest = loop.time() + config.most_upload_s
    received = 0
    while chunk := await _next_chunk(request, min(latest, loop.time() + config.stall_s)):
        received += len(chunk)
        if received > config.max_bytes:
            raise _too_large(config)
        await _write(chunk, file)
    if not received:
        raise _empty()


async def _invite(request: web.Request) -> None:
    """Tell a client to go on that waits to be told, as curl does (RFC 9110, section 10.1.1).

    aiohttp would have told it before we could refuse.
    """
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # of the answer, which is yet to come


async def _next_chunk(request: web.Request, until: float) -> bytes:
    try:
        async with asyncio.timeout_at(until):
            return await request.content.readany()
    except TimeoutError as error:
        raise RefusalError(408, "too_slow", "The upload is too slow.") from error
    except (ConnectionError, web.RequestPayloadError) as error:
        raise RefusalError(400, "malformed", "The upload broke off.") from error


async def _write(chunk: bytes, file: FileIO) -> None:
    """Write in a thread: on a busy disk it takes as long as it likes."""
    writing = asyncio.create_task(asyncio.to_thread(_write_all, chunk, file), name="upload")
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        await asyncio.wait([writing])  # or its descriptor could be somebody else's by then
        raise
    except OSError as error:
        raise RefusalError(
            507, "no_room", "The server has no room for this recording; send a smaller one."
        ) from error


def _write_all(chunk: bytes, file: FileIO) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[file.write(rest) :]


def _too_large(config: UploadConfig) -> RefusalError:
    most_mb = config.max_bytes / _MB
    return RefusalError(413, "too_large", f"The recording is larger than {most_mb:g} MB.")


def _empty() -> RefusalError:
    return RefusalError(400, "malformed", "The recording is empty.")
