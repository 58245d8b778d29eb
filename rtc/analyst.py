"""Analyse one recording in a process of its own, where nothing in it can harm who is served.

Started by the server (rtc.analyst_process), with what to do on standard input. Says on standard
output, a line of JSON each: ``refused`` and why, when it is no recording, or ``opened``; then
``moment`` by ``moment``, and in the end ``summary`` or ``error``.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import signal
import sys
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from rtc.confinement import bounded_memory, step_back

if TYPE_CHECKING:
    from models.loading import ModelConfig
    from rtc.analyst_process import Assignment
    from rtc.config import SessionConfig
    from rtc.recording import Recording

# Imports that load numpy stand inside the functions: threads must be limited before.

_MEMORY_BYTES = 1 << 30  # for decoding; the largest pictures that are taken need half of it


def main() -> int:
    """Do what standard input says; return 0 when all was said that there is to say."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # told to all processes; the server ends us
    out = _only_ours()
    assignment: Assignment = pickle.load(sys.stdin.buffer)  # noqa: S301  from our own server
    threading.Thread(target=_end_with_the_server, name="server's end", daemon=True).start()
    step_back(assignment.cpu_s)
    from models.threads import limit_threads_or_exit

    limit_threads_or_exit()
    from rtc.logs import log_to_stderr
    from rtc.recording import RecordingError

    log_to_stderr(assignment.log_level)
    try:
        with bounded_memory(_MEMORY_BYTES):
            recording = _opened(assignment)
    except (MemoryError, RecordingError) as error:
        _say(out, {"type": "refused", "error": _sentence(error)})
        return 0
    _say(out, {"type": "opened", "duration_s": recording.duration_s})
    models, session = pickle.loads(assignment.configuration)  # noqa: S301  as above
    asyncio.run(_analyse(recording, models, session, out))
    return 0


def _only_ours() -> TextIO:
    """Return standard output for us alone: what libraries print there goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def _end_with_the_server() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)


def _opened(assignment: Assignment) -> Recording:
    """Open the recording, and see that something can be decoded."""
    from rtc.recording import WITH_STRANGERS, Recording

    next(Recording(assignment.path, WITH_STRANGERS).arrivals())
    return Recording(assignment.path, WITH_STRANGERS)


async def _analyse(
    recording: Recording, config: ModelConfig, session: SessionConfig, out: TextIO
) -> None:
    from models.loading import load_models, start_engine
    from rtc.moments import Tally
    from rtc.player import Player
    from rtc.recording import RecordingError

    engine = await start_engine(load_models(config))
    tally = Tally()
    try:
        with bounded_memory(_MEMORY_BYTES):
            async for moment in Player(recording, engine, session).moments():
                tally.add(moment)
                emotion = moment.message.to_json()
                time_s = round(moment.time_s, 3)
                _write(out, f'{{"type":"moment","time_s":{time_s},"emotion":{emotion}}}')
        last = {"type": "summary", **asdict(tally.summary(recording.played_s))}
        last["damaged_packets"] = recording.damaged_packets
    except (MemoryError, RecordingError) as error:
        last = {"type": "error", "error": _sentence(error)}
    finally:
        engine.close()
    _say(out, last)


def _sentence(error: Exception) -> str:
    reason = "it takes too much memory to decode" if isinstance(error, MemoryError) else error
    return f"The recording cannot be analysed: {reason}."


def _say(out: TextIO, said: dict[str, Any]) -> None:
    _write(out, json.dumps(said, separators=(",", ":"), allow_nan=False))


def _write(out: TextIO, line: str) -> None:
    out.write(f"{line}\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
