"""What all commands share: errors said in one line, and values of flags checked at the flag."""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

_Number = TypeVar("_Number", int, float)

# Nothing here imports numpy: commands read this before they limit its threads.


class CommandParser(argparse.ArgumentParser):
    """Says what is wrong in one line; argparse would print the whole usage before it."""

    def error(self, message: str) -> NoReturn:
        """End the command with exit code 2."""
        self.exit(2, f"error: {message} (see --help)\n")


def from_environment(name: str, default: object) -> object:
    """Return the environment's text, which argparse then converts to its type, or the default.

    argparse does not check it against ``choices``; ``one_of`` as a type does.
    """
    return os.environ.get(name) or default


def integer(least: int, most: int | None = None, why: str = "") -> Callable[[str], int]:
    """Return a flag's type: whole numbers from ``least`` to ``most``, and ``why`` no others."""
    return _number(int, "a whole number", least, most, why)


def number(least: float, most: float) -> Callable[[str], float]:
    """Return a flag's type: numbers from ``least`` to ``most``."""
    return _number(float, "a number", least, most)


def one_of(*choices: str) -> Callable[[str], str]:
    """Return a flag's type: one of some words, in the environment too."""

    def read(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f"must be {' or '.join(choices)}, not {text!r}")
        return text

    return read


def switch(text: str) -> bool:
    """Read a flag that is on or off: 1 or 0, and what else people write for these."""
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off"}:
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither 1 nor 0")


def folder_to_write(text: str) -> Path:
    """Read a folder that is written to, and need not be there yet."""
    path = Path(text)
    for part in (path, *path.parents):
        if part.exists() and not part.is_dir():
            raise argparse.ArgumentTypeError(f"{part} is a file; name a folder")
    return path


def file_to_write(text: str) -> Path:
    """Read a file that is written when all is done; that it cannot be is said before.

    The folders that it lies in are made.
    """
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{path} is a folder; name a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise argparse.ArgumentTypeError(
            f"{path} cannot be written: {error.strerror}; name another file"
        ) from error
    return path


def _number(
    convert: Callable[[str], _Number],
    kind: str,
    least: _Number,
    most: _Number | None,
    why: str = "",
) -> Callable[[str], _Number]:
    wanted = f"{kind} of at least {least}" if most is None else f"{kind} from {least} to {most}"
    reason = f"; {why}" if why else ""

    def read(text: str) -> _Number:
        try:
            value = convert(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= (math.inf if most is None else most):
            raise argparse.ArgumentTypeError(f"must be {wanted}, not {text!r}{reason}")
        return value

    return read
