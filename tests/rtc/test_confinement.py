"""What a process may take that opens strangers' files."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.processes import ROOT

_TAKE = """
from rtc.confinement import bounded_memory
with bounded_memory(64 << 20):
    bytearray(16 << 20)
    try:
        bytearray(128 << 20)
    except MemoryError:
        print("refused")
bytearray(128 << 20)
print("taken")
"""


def test_more_memory_is_refused_while_it_is_bounded() -> None:
    """Beyond the bound allocations fail; below it and afterwards they do not."""
    if sys.platform != "linux":
        pytest.skip("address space is bounded on Linux only")
    child = subprocess.run(
        (sys.executable, "-c", _TAKE), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert child.stdout.split() == ["refused", "taken"]
