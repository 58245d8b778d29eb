"""The process that analyses one recording, as the server has it: started, heard, ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import pickle
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING, Any

from rtc.child_environment import child_environment
from rtc.workers import SHARED_FOLDER

if TYPE_CHECKING:
    from rtc.config import SessionConfig
    from rtc.uploads import TemporaryRecording, UploadConfig

# What opens strangers' files is not told them; nor does it count for the server.
_KEPT_BACK = frozenset({"EMOTION_TOKEN", "ICE_CREDENTIAL", SHARED_FOLDER})


class NoProcessError(RuntimeError):
    """The system lets no more processes begin; the message is its own, for the log."""


@dataclass(frozen=True)
class Assignment:
    """What the process is to do; read by it from its standard input.

    Attributes:
        path: of the recording, as the process can open it.
        cpu_s: time of the processor that it may take.
        log_level: from which on it logs.
        configuration: of networks and session, pickled apart, since reading it loads libraries for
            seconds, which a file that is no recording shall not cost.
    """

    path: Path
    cpu_s: int
    log_level: str
    configuration: bytes


def assignment_for(
    recording: TemporaryRecording, config: UploadConfig, session: SessionConfig
) -> Assignment:
    """Return what to do with a recording, as live sessions with ``session`` would be served.

    Credentials of TURN servers are not told.
    """
    told = replace(session, ice_servers=(), ice_relay_only=False)
    return Assignment(
        path=recording.path,
        cpu_s=2 * math.ceil(config.most_time_s),  # for when nobody ends it
        log_level=logging.getLevelName(logging.getLogger().getEffectiveLevel()),
        configuration=pickle.dumps((config.models, told)),
    )


class AnalystProcess:
    """A process at work."""

    def __init__(self, process: Popen[bytes], lines: asyncio.StreamReader) -> None:
        self._process = process
        self._lines = lines

    async def line(self) -> dict[str, Any] | None:
        """Return what it says next, see ``rtc.analyst``; None when it has ended without."""
        line = await self._lines.readline()
        if not line.endswith(b"\n"):
            return None
        said: dict[str, Any] = json.loads(line)
        return said

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()

    async def exit_code(self) -> int:
        """Wait until it has ended; negative is the signal that ended it."""
        return await asyncio.to_thread(self._process.wait)


@contextlib.asynccontextmanager
async def analysing(
    assignment: Assignment, recording: TemporaryRecording
) -> AsyncIterator[AnalystProcess]:
    """Have a process do it, which is gone when this is left.

    Raises:
        NoProcessError: there can be no more of them now.
    """
    try:
        process = _started(recording)
    except OSError as error:
        raise NoProcessError(str(error)) from error
    assert process.stdin is not None
    assert process.stdout is not None
    lines = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(lines)
    analyst = AnalystProcess(process, lines)
    try:
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: protocol, process.stdout
        )
        with contextlib.closing(pipe):
            with contextlib.suppress(BrokenPipeError):  # it has ended, which its lines tell, too
                process.stdin.write(pickle.dumps(assignment))
            yield analyst
    finally:
        analyst.kill()
        await analyst.exit_code()
        # Open until now: where it ends, the server has gone, however, and the process goes, too.
        process.stdin.close()


def _started(recording: TemporaryRecording) -> Popen[bytes]:
    # Not by way of the event loop: uvloop's copies the tables of all our memory, for which those
    # who are served would wait for some 20 ms; this waits until the process has begun, some 2 ms.
    return Popen(
        (sys.executable, "-P", "-m", "rtc.analyst"),
        bufsize=0,
        stdin=PIPE,
        stdout=PIPE,
        env=child_environment(_KEPT_BACK),
        pass_fds=recording.descriptors,
        process_group=0,  # Ctrl-C is for the server, which ends it
    )
