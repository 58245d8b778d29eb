"""The code's own rules: style, types, and which room may know which."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("lint-imports",),
    ],
    ids=" ".join,
)
def test_the_code_keeps_its_rules(command: tuple[str, ...]) -> None:
    """Each checker, as configured in pyproject.toml, finds nothing."""
    program = Path(sys.executable).parent / command[0]
    checked = subprocess.run(
        (program, *command[1:]), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
