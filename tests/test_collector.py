"""What Python's collector leaves behind while people come and go: a few of them, not hundreds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# People leave circles of 1,400 objects, aiortc's for the most part; twelve are there at a time.
_PEOPLE = """
import gc, sys
sys.path.insert(0, ".")
from rtc.process import spare_the_collector
kept = [[] for _ in range(1_000_000)]  # modules and networks
spare_the_collector()
class Person:
    def __init__(self):
        self.circle = [self, *([] for _ in range(1400))]
here, most = [], 0
for number in range(1500):
    here = [*here[-11:], Person()]
    if number % 20 == 0:
        most = max(most, sum(isinstance(each, Person) for each in gc.get_objects()))
print(most)
"""


def test_those_who_left_are_let_go_soon() -> None:
    """Of 1,500 who come and go, with twelve there at a time, never more than 90 are in memory."""
    ran = subprocess.run(
        (sys.executable, "-c", _PEOPLE),
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(ran.stdout) <= 90
