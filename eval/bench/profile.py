"""Where a server's time goes: py-spy's samples, summed up by thread and by function."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eval.bench.benched_server import BenchError

_MOST_LINES = 15
_RATE_HZ = 200


@dataclass
class Profile:
    """Samples of a process, each the functions that were running, the outermost first.

    Attributes:
        samples: how often each was seen; the first of a sample is its thread.
    """

    samples: Counter[tuple[str, ...]]

    def summary(self) -> str:
        """Return a text: the threads, and the functions in which most time passed."""
        total = sum(self.samples.values())
        if not total:
            return "no samples: the server did nothing"
        threads: Counter[str] = Counter()
        functions: Counter[str] = Counter()
        for stack, count in self.samples.items():
            threads[stack[0]] += count
            functions[stack[-1]] += count
        lines = ["share of the server's busy time, by thread:", *_shares(threads, total)]
        return "\n".join([*lines, "by the function that ran:", *_shares(functions, total)])


@contextmanager
def profiled(pid: int) -> Iterator[Profile]:
    """Sample a process, the time in native code included; the samples are there in the end.

    Raises:
        BenchError: py-spy is not installed, or may not look at the process.
    """
    py_spy = shutil.which("py-spy")
    if py_spy is None:
        raise BenchError("--profile needs py-spy; install it with: pip install py-spy")
    profile = Profile(Counter())
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "stacks"
        command = [py_spy, "record", "--pid", str(pid), "--threads", "--nonblocking"]
        command += ["--format", "raw", "--rate", str(_RATE_HZ), "--output", str(out)]
        process = subprocess.Popen(  # noqa: S603  what the person who runs this has installed
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        with process:
            try:
                yield profile
            finally:
                process.send_signal(signal.SIGINT)  # it writes what it has
                _, said = process.communicate(timeout=30)
        if not out.exists():
            raise BenchError(f"py-spy could not look at the server: {said.strip()}")
        profile.samples.update(read_samples(out.read_text().splitlines()))


def read_samples(lines: Sequence[str]) -> Counter[tuple[str, ...]]:
    """Read py-spy's "raw" format: functions with semicolons between, a space, a count."""
    samples: Counter[tuple[str, ...]] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        samples[tuple(stack.split(";"))] += int(count)
    return samples


def _shares(counts: Counter[str], total: int) -> list[str]:
    return [f"{count / total:7.1%}  {name}" for name, count in counts.most_common(_MOST_LINES)]
