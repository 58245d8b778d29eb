"""Every replica of a machine has a core and ports of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rtc.cluster.slots import Slot, core_of, ports_of
from rtc.ports import PortRange

_TAKER = """
import sys
from pathlib import Path
from rtc.cluster.slots import Slot
print(Slot.take(Path(sys.argv[1])).number, flush=True)
sys.stdin.read()
"""


def test_each_takes_the_first_that_is_free(tmp_path: Path) -> None:
    """A slot that was left is taken again, also that of a process which was killed."""
    first, second = Slot.take(tmp_path), Slot.take(tmp_path)
    assert (first.number, second.number) == (0, 1)
    first.close()
    with subprocess.Popen(
        (sys.executable, "-c", _TAKER, str(tmp_path)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"0\n"
        third = Slot.take(tmp_path)
        assert third.number == 2
        other.kill()
        other.wait()
    again = Slot.take(tmp_path)
    assert again.number == 0
    for slot in (second, third, again):
        slot.close()


def test_cores_and_ports_are_shared_out() -> None:
    """Each slot has a core and as many ports as the others, which nobody else has."""
    assert [core_of(slot, [2, 3, 6, 7]) for slot in range(5)] == [2, 3, 6, 7, 2]
    shares = [ports_of(slot, PortRange(40000, 40102), slots=4, needed=20) for slot in range(4)]
    assert [(share.first, share.last) for share in shares] == [
        (40000, 40024), (40025, 40049), (40050, 40074), (40075, 40099),
    ]  # fmt: skip


def test_too_few_ports_are_said() -> None:
    """A range that is too small for all replicas is refused with how large it must be."""
    with pytest.raises(ValueError, match="give it 96 or more"):
        ports_of(0, PortRange(40000, 40049), slots=4, needed=24)
