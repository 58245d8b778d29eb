"""``python -m tests.web.screenshots`` on a machine that lacks what it needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["playwright", "skimage"])
def test_without_what_the_tests_need_it_says_how_to_get_it(name: str, tmp_path: Path) -> None:
    """Where only the server is installed one line names the command that installs the rest."""
    absent = f"raise ModuleNotFoundError('No module named {name}', name={name!r})\n"
    (tmp_path / f"{name}.py").write_text(absent)
    done = subprocess.run(
        [sys.executable, "-m", "tests.web.screenshots", "--help"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: {name} is not installed; install what the tests need with: "
        "pip install -e '.[test]'\n"
    )
