"""Workers: kept at their number, ended together."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait

import pytest

from rtc.workers import Workers

_PATIENCE_S = 60.0


def obedient(held: socket.socket, parent: Connection) -> int:
    """Say who it is, and wait until told to end or left alone."""
    held.listen()
    parent.send(str(os.getpid()))
    wait([parent])
    return 0


def refusing(held: socket.socket, parent: Connection) -> int:  # noqa: ARG001  as every worker
    """End at once, as one whose weights are damaged does."""
    return 7


class _Crew:
    """Workers whose parent runs in this process's main thread; what is said is kept."""

    def __init__(self, held: socket.socket) -> None:
        self.workers = Workers(2, obedient, held)
        self.said: list[str] = []
        self.ready = threading.Event()

    def on_ready(self, text: str) -> None:
        self.said.append(text)
        self.ready.set()

    @property
    def pids(self) -> list[int]:
        return [w.process.pid for w in self.workers._workers if w.was_ready]

    def until(self, count: int, without: int = 0) -> list[int]:
        """Wait until so many are ready, none of them ``without``."""
        until = time.monotonic() + _PATIENCE_S
        while len(self.pids) != count or without in self.pids:
            assert time.monotonic() < until, self.pids
            time.sleep(0.02)
        return self.pids


def _end_after(act: Callable[[], None], seen: list[BaseException]) -> threading.Thread:
    """Run ``act`` beside the parent, which needs the main thread, and end that by a signal."""

    def run() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001  told in the main thread
            seen.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_one_that_dies_is_replaced_and_all_end_together() -> None:
    """A killed worker is replaced, the other is the same as before, and in the end none is left."""
    seen: list[BaseException] = []
    with socket.create_server(("127.0.0.1", 0)) as held:
        crew = _Crew(held)

        def act() -> None:
            assert crew.ready.wait(_PATIENCE_S)
            killed, spared = crew.until(2)
            os.kill(killed, signal.SIGKILL)
            assert spared in crew.until(2, without=killed)

        thread = _end_after(act, seen)
        assert crew.workers.run(crew.on_ready) == 0
        thread.join()
    assert seen == []
    assert len(crew.said) == 1
    assert not any(worker.process.is_alive() for worker in crew.workers._workers)


def test_none_is_left_when_the_parent_fails() -> None:
    """Where the parent cannot go on, as when nobody reads what it prints, its workers end."""

    def fail(text: str) -> None:
        raise BrokenPipeError(text)

    with socket.create_server(("127.0.0.1", 0)) as held:
        workers = Workers(2, obedient, held)
        with pytest.raises(BrokenPipeError):
            workers.run(fail)
    assert len(workers._workers) == 2
    assert not any(worker.process.is_alive() for worker in workers._workers)


def test_one_that_cannot_begin_ends_the_start() -> None:
    """Where workers end before they are ready, the server ends with their exit code, not anew."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        assert Workers(2, refusing, held).run(pytest.fail) == 7
