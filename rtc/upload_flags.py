"""The flags of recordings that are sent to be analysed."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from models.command_line import number

if TYPE_CHECKING:
    from models.loading import ModelConfig
    from rtc.uploads import UploadConfig

# Imports that load numpy stand inside the functions: threads must be limited before.

_MB = 1024 * 1024
_MOST_MB, _LONGEST_S = 100_000, 86_400


def add_upload_flags(add: Callable[..., argparse.Action]) -> None:
    """Add the flag that allows recordings, and those that bound them."""
    from rtc.uploads import UploadConfig

    add(
        "--allow-upload",
        action="store_true",
        help="analyse recordings that are sent to POST /analyze, one at a time in each worker; for "
        "as long as that takes, a recording is kept in a temporary file [default off]",
    )
    add(
        "--max-upload-mb",
        type=number(0.1, _MOST_MB),
        default=UploadConfig.max_bytes / _MB,
        metavar="MB",
        help="size of such a recording, in 1024 x 1024 bytes [default %(default)g]",
    )
    add(
        "--max-upload-s",
        type=number(1, _LONGEST_S),
        default=UploadConfig.max_length_s,
        metavar="S",
        help="seconds that such a recording may last [default %(default)g]",
    )


def uploads_from(given: argparse.Namespace, models: ModelConfig) -> UploadConfig | None:
    """Return what the flags say of recordings, to be analysed by ``models``; None is no."""
    from rtc.uploads import UploadConfig

    if not given.allow_upload:
        return None
    return UploadConfig(models, round(given.max_upload_mb * _MB), given.max_upload_s)
