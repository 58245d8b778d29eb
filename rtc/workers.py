"""Several processes that share the port and nothing else: one serves what one core can."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

_log = logging.getLogger(__name__)

# The environment variable by which prometheus-client is told where workers add up their counts.
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_STOP_S = 10.0  # for a worker that was told to end, besides what it gives those who are there
_RESTART_PAUSE_S = 1.0  # so that one that always dies does not take a core
_MOST_FAILURES = 5  # of new workers in a row, while none serves

Work = Callable[[socket.socket, Connection], int]
"""What a worker does: serve on the socket, say over the connection when it is ready, end when the
other side of that is gone, and return its exit code. To be importable by name, as pickles are."""


@dataclass
class _Worker:
    process: SpawnProcess
    news: Connection
    was_ready: bool = False


class Workers:
    """Keeps as many workers as were asked for, until told to stop.

    Spawned, not forked: what a process has of threads and networks does not survive a fork.
    """

    def __init__(self, count: int, work: Work, held: socket.socket, drain_s: float = 0.0) -> None:
        """Have ``count`` workers serve on ``held``, a bound socket; ``run`` starts them.

        After SIGTERM, each may take ``drain_s`` to let its people leave.
        """
        self._count = count
        self._work = work
        self._held = held
        self._workers: list[_Worker] = []
        self._folder = ""
        self._has_begun = False
        self._failures = 0  # of new ones, in a row
        self._stopping = False
        self._stop_s = _STOP_S + drain_s
        self._is_urgent = False

    def run(self, on_ready: Callable[[str], None]) -> int:
        """Start the workers, and replace those that die, until SIGINT or SIGTERM.

        Args:
            on_ready: called once, when all are ready, with what one of them said.

        Returns:
            0 in the end; the exit code of a worker that ended before all were ready, or when new
            ones end again and again and none is left that serves.
        """
        with self._signals_stop(), tempfile.TemporaryDirectory() as self._folder:
            try:
                # Alone, so that what is wrong is said once, and downloads and conversions are made
                # once; the others find them.
                self._start()
                while not self._stopping:
                    code = self._look(on_ready)
                    if code is not None:
                        return code
            finally:
                self._stop()
        return 0

    def _look(self, on_ready: Callable[[str], None]) -> int | None:
        """Wait for news; return an exit code where it is better to give up."""
        waiting = [w.news for w in self._workers if not w.was_ready]
        heard = wait([*waiting, *(w.process.sentinel for w in self._workers)], timeout=1.0)
        for worker in list(self._workers):
            if self._stopping:
                break
            if worker.process.sentinel in heard:
                worker.process.join()
                if (code := self._on_end(worker)) is not None:
                    return code
            elif worker.news in heard and (text := _said(worker)) is not None:
                worker.was_ready = True
                self._failures = 0
                self._on_ready(text, on_ready)
        return None

    def _on_ready(self, text: str, on_ready: Callable[[str], None]) -> None:
        if self._has_begun:
            return
        while len(self._workers) < self._count:
            self._start()
        if all(worker.was_ready for worker in self._workers):
            self._has_begun = True
            on_ready(text)

    def _on_end(self, worker: _Worker) -> int | None:
        """Replace it, or return the exit code with which to give up."""
        self._failures += not worker.was_ready
        serves = any(each.was_ready for each in self._workers if each is not worker)
        if self._has_begun and (serves or self._failures < _MOST_FAILURES):
            self._replace(worker)
            return None
        code = worker.process.exitcode or 1
        if code < 0:  # it said nothing: a signal ended it
            _log.error("worker %d was ended by signal %d at its start", worker.process.pid, -code)
        return max(1, code)

    def _replace(self, dead: _Worker) -> None:
        _log.error(
            "worker %d ended with %s and is replaced; the others go on",
            *(dead.process.pid, dead.process.exitcode),
        )
        self._workers.remove(dead)
        dead.news.close()
        # Imported sooner, it would be imported by workers before they know the folder.
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(dead.process.pid, self._folder)  # type: ignore[no-untyped-call]
        if not dead.was_ready:
            time.sleep(_RESTART_PAUSE_S)
        if not self._stopping:
            self._start()

    def _start(self) -> None:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=_run, args=(self._work, self._held, theirs, self._folder), name="worker"
        )
        # Ctrl-C reaches the whole group; who still loads is to be ended by us, without a traceback.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        process.start()
        signal.signal(signal.SIGINT, before)
        theirs.close()  # so that ours ends when the worker does
        self._workers.append(_Worker(process, ours))

    def _stop(self) -> None:
        until = time.monotonic() + self._stop_s
        for worker in self._workers:
            if self._is_urgent and worker.was_ready and worker.process.pid:
                with suppress(ProcessLookupError):  # Ctrl-C has reached it, too
                    os.kill(worker.process.pid, signal.SIGINT)
            else:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join(max(0.0, until - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.news.close()

    @contextmanager
    def _signals_stop(self) -> Iterator[None]:
        def stop(number: int, frame: object) -> None:  # noqa: ARG001  the signal module's signature
            self._stopping = True
            self._is_urgent = number == signal.SIGINT

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _said(worker: _Worker) -> str | None:
    try:
        return str(worker.news.recv())
    except EOFError:
        return None  # it has ended, which its sentinel tells, too


def _run(work: Work, held: socket.socket, parent: Connection, folder: str) -> None:
    os.environ[SHARED_FOLDER] = folder  # prometheus-client looks when it is first imported
    raise SystemExit(work(held, parent))
