"""The server as a process of its own: its last words when it does not start, and its end."""

from __future__ import annotations

import os

import psutil
import pytest

from eval.bench.benched_server import BenchError, running, server_command

CORES = sorted(os.sched_getaffinity(0))


def test_a_server_that_does_not_start_has_the_last_word() -> None:
    """What it said last is in the error, and no process of it stays."""
    before = psutil.Process().children()
    with (
        pytest.raises(BenchError, match=r"ended with 2 .*--max-sessions.*'none'"),
        running(CORES[:1], server_command(["--max-sessions", "none"])),
    ):
        pass
    assert psutil.Process().children() == before
