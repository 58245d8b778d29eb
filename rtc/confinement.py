"""What a process gives up before it opens a stranger's file, where the system has it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

try:
    import resource
except ModuleNotFoundError:  # Windows
    resource = None  # type: ignore[assignment]

_NICENESS = 10  # about a tenth of a core's time beside somebody who wants all of it
_PAGES = Path("/proc/self/statm")


def step_back(cpu_s: int) -> None:
    """Let the other processes of this machine go first, and leave no trace of what goes wrong.

    Args:
        cpu_s: time of the processor after which the system ends this process.
    """
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    # Where memory runs out, this process is the one to go, not the server.
    _write("/proc/self/oom_score_adj", "1000")
    if resource is not None:
        _limit(resource.RLIMIT_CORE, 0)  # a dump would have what the recording shows
        _limit(resource.RLIMIT_CPU, cpu_s)


@contextlib.contextmanager
def bounded_memory(more_bytes: int) -> Iterator[None]:
    """Take at most ``more_bytes`` more memory than now: beyond that allocations fail.

    Counted in address space (RLIMIT_AS), of which networks and their libraries hold much more than
    they use; so what is there already is not counted.
    """
    if resource is None or not _PAGES.exists():
        yield
        return
    pages = int(_PAGES.read_text().split()[0])
    before, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + more_bytes
    resource.setrlimit(resource.RLIMIT_AS, (_lower(limit, before), most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, most))


def _limit(kind: int, value: int) -> None:
    _, most = resource.getrlimit(kind)
    value = _lower(value, most)
    resource.setrlimit(kind, (value, value))


def _lower(value: int, limit: int) -> int:
    return value if limit == resource.RLIM_INFINITY else min(value, limit)


def _write(path: str, text: str) -> None:
    with contextlib.suppress(OSError):
        Path(path).write_text(text)
