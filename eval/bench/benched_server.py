"""The real server as a process of its own, held to some processor cores, and what it uses."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import psutil

_SERVER = Path(__file__).resolve().parents[2] / "server.py"
# All who come to it come from this machine, and none of them is to be waited for in the end.
_FOR_LOADS = ("--max-sessions-per-address", "0", "--max-offers-per-minute", "0", "--drain", "0")
# A cluster is told of its people by the same flags, but how many there may be by its plan.
_CLUSTER_FLAGS = ("--max-sessions-per-address", "0", "--max-offers-per-minute", "0")
_CLUSTER = "rtc.cluster.application:build"
_READY = re.compile(r"Open (http\S+?)/? in a browser")


class BenchError(RuntimeError):
    """The benchmark cannot run; the message says why."""


class BenchedServer:
    """A running server.

    Attributes:
        url: without a slash at the end.
        pid: of its first process.
        ready_s: from its start until it was ready.
    """

    def __init__(self, url: str, ready_s: float, process: psutil.Process) -> None:
        self.url = url
        self.pid = process.pid
        self.ready_s = ready_s
        self._process = process

    def cpu_s(self) -> float:
        """Return the processor time used so far, by workers too."""
        times = [process.cpu_times() for process in self._family()]
        return float(sum(each.user + each.system for each in times))

    def resident_mb(self) -> float:
        """Return the resident memory; what workers share is counted for each."""
        return float(sum(each.memory_info().rss for each in self._family()) / 1e6)

    def file_descriptors(self) -> int:
        """Return how many are open, those of workers included; Linux and macOS only."""
        return sum(each.num_fds() for each in self._family())

    def threads(self) -> int:
        """Return how many there are, those of workers included."""
        return sum(each.num_threads() for each in self._family())

    def _family(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]


def server_command(flags: Sequence[str]) -> list[str]:
    """Return what starts ``server.py`` with ``flags``, on any port."""
    return [sys.executable, str(_SERVER), "--port", "0", *_FOR_LOADS, *flags]


def cluster_command(folder: Path, flags: Sequence[str], replicas: int, sessions: int) -> list[str]:
    """Return what starts a cluster on this machine.

    Args:
        folder: where its file is written.
        flags: of ``server.py``, for every replica.
        replicas: how many.
        sessions: people at each.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    plan = {
        "least_replicas": replicas,
        "most_replicas": replicas,
        "sessions_per_replica": sessions,
        "drain_s": 60,
        "flags": [*_CLUSTER_FLAGS, *flags],
    }
    application = {"name": "emotions", "import_path": _CLUSTER, "args": plan}
    described = {
        "http_options": {"host": "127.0.0.1", "port": port},
        "applications": [application],
    }
    file = folder / "serve.yaml"
    file.write_text(json.dumps(described), encoding="utf-8")  # JSON is YAML
    return [sys.executable, "-m", "rtc.cluster", str(file)]


@contextlib.contextmanager
def pinned(cores: Sequence[int]) -> Iterator[None]:
    """Hold this process, and those that it starts meanwhile, to some cores.

    Raises:
        BenchError: this machine has no such cores, or cannot hold processes to them.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise BenchError("processes cannot be held to cores here; the benchmark needs Linux")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.sysconf("SC_NPROCESSORS_CONF")))
    there = os.sched_getaffinity(0)
    try:
        # Linux would take those of the cores that exist, and say nothing of the others.
        if missing := sorted(set(cores) - there):
            raise BenchError(f"there are no cores {missing}; there are {sorted(there)}")
        os.sched_setaffinity(0, cores)
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def running(
    cores: Sequence[int] | None,
    command: Sequence[str],
    home: Path | None = None,
    log: Path | None = None,
) -> Iterator[BenchedServer]:
    """Start the server on ``cores``, give it when it is ready, and end it in order.

    Args:
        cores: on which it runs; wherever this process may when None.
        command: that starts it; see ``server_command`` and ``cluster_command``.
        home: its home folder, where HSEmotion's weights are looked for; as it is when None.
        log: where its standard error is written; nowhere that stays when None.

    Raises:
        BenchError: it does not become ready; the message has its last words.
    """
    environment = os.environ | ({"HOME": str(home)} if home else {})
    with tempfile.TemporaryFile("w+") if log is None else log.open("w+") as errors:
        with contextlib.nullcontext() if cores is None else pinned(cores):
            began_at_s = time.monotonic()
            process = subprocess.Popen(  # noqa: S603  our own server, with flags of whoever runs this
                command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
            )
        with process:
            try:
                url = _url_when_ready(process, errors)
                ready_s = time.monotonic() - began_at_s
                yield BenchedServer(url, ready_s, psutil.Process(process.pid))
            finally:
                _end(process)


def _url_when_ready(process: subprocess.Popen[str], errors: IO[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if found := _READY.search(line):
            return found[1]
    code = process.wait()
    errors.seek(0)
    last_words = (errors.read().strip().splitlines() or ["it said nothing"])[-1]
    raise BenchError(f"the server ended with {code} before it was ready: {last_words}")


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
