"""The environment of a process of the project's own that another one begins."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent


def child_environment(kept_back: Collection[str] = ()) -> dict[str, str]:
    """Return ours, so that the process finds the project and all that this one has found.

    Args:
        kept_back: names of variables that are not for it.
    """
    told = {name: value for name, value in os.environ.items() if name not in kept_back}
    places = [str(_PROJECT), told.get("PYTHONPATH", "")]
    return told | {"PYTHONPATH": os.pathsep.join(filter(None, places))}
