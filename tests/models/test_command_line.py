"""The values of flags, and what is said of wrong ones."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.command_line import (
    CommandParser,
    file_to_write,
    folder_to_write,
    from_environment,
    integer,
    number,
    one_of,
    switch,
)

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (integer(1, 8), "1", 1),
        (integer(1, 8), "8", 8),
        (integer(0), "1000000", 1_000_000),
        (number(0, 1), "0", 0.0),
        (number(0, 1), "1", 1.0),
        (number(0, 1), "1e-3", 0.001),
        (one_of("cpu", "cuda"), "cuda", "cuda"),
        (switch, "Yes", True),
        (switch, "off", False),
    ],
)
def test_values_in_range_are_read(read: Callable[[str], Any], text: str, value: object) -> None:
    """The ends of a range belong to it."""
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text", "sentence"),
    [
        (integer(1, 8), "9", "must be a whole number from 1 to 8, not '9'"),
        (integer(1, 8, "so it is"), "0", "must be a whole number from 1 to 8, not '0'; so it is"),
        (integer(1, 8), "1.5", "must be a whole number from 1 to 8, not '1.5'"),
        (integer(1), "0", "must be a whole number of at least 1, not '0'"),
        (number(0, 1), "inf", "must be a number from 0 to 1, not 'inf'"),
        (number(0, 1), "nan", "must be a number from 0 to 1, not 'nan'"),
        (number(0, 1), "", "must be a number from 0 to 1, not ''"),
        (one_of("cpu", "cuda"), "CPU", "must be cpu or cuda, not 'CPU'"),
        (switch, "2", "'2' is neither 1 nor 0"),
    ],
)
def test_other_values_are_refused(read: Callable[[str], Any], text: str, sentence: str) -> None:
    """What is out of range, or of another kind, is told what would be right."""
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        read(text)
    assert str(refused.value) == sentence


def test_a_folder_to_write_need_not_be_there(tmp_path: Path) -> None:
    """Folders, and those that can be made, are taken; what is or lies below a file is not."""
    file = tmp_path / "file"
    file.write_text("")
    for path in (tmp_path, tmp_path / "new" / "deeper"):
        assert folder_to_write(str(path)) == path
    for path in (file, file / "deeper"):
        with pytest.raises(argparse.ArgumentTypeError, match=f"{file} is a file; name a folder"):
            folder_to_write(str(path))


def test_a_file_to_write_is_refused_before_the_work(tmp_path: Path) -> None:
    """A folder, a place below a file and one that nobody can write to are named; folders on the
    way to a good one are made, and nothing is left in them.
    """
    file = tmp_path / "file"
    file.write_text("")
    good = tmp_path / "new" / "table.csv"
    assert file_to_write(str(good)) == good
    assert list(good.parent.iterdir()) == []
    with pytest.raises(argparse.ArgumentTypeError, match=f"{tmp_path} is a folder; name a file"):
        file_to_write(str(tmp_path))
    for path in (file / "table.csv", Path("/proc/table.csv")):
        with pytest.raises(argparse.ArgumentTypeError, match=f"{path} cannot be written: "):
            file_to_write(str(path))


def test_an_error_is_one_line_without_the_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the flag, also where the environment has the wrong value; the exit code is 2."""
    monkeypatch.setenv("MANY", "none")
    parser = CommandParser()
    parser.add_argument("--many", type=integer(0), default=from_environment("MANY", 1))
    with pytest.raises(SystemExit) as ended:
        parser.parse_args([])
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "error: argument --many: must be a whole number of at least 0, not 'none' (see --help)\n"
    )


def test_it_imports_no_numpy() -> None:
    """Commands read it before they limit numpy's threads."""
    program = "import sys, models.command_line; print('numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
