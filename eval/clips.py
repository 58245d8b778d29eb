"""Which files to replay, and under which name each one's timeline is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# What to look at in a folder; a file that is named is tried whatever its name ends in.
_SOUND = frozenset({".aac", ".flac", ".m4a", ".mka", ".mp3", ".oga", ".ogg", ".opus", ".wav"})
_PICTURES = frozenset(
    {".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts"}
    | {".ogv", ".ts", ".webm", ".wmv"}
)


class ClipsError(ValueError):
    """There is nothing to replay, or not in one go; the message says why."""


@dataclass(frozen=True)
class Clip:
    """A file, and the name under which its timeline is written."""

    path: Path
    name: str


def clips_at(paths: Sequence[Path]) -> list[Clip]:
    """Return the files named and, of folders, all recordings at any depth.

    Raises:
        ClipsError: there are none, or two would be written under one name.
    """
    clips = []
    for path in paths:
        if path.is_dir():
            clips += [Clip(file, file.relative_to(path).as_posix()) for file in _recordings(path)]
        else:
            clips.append(Clip(path, path.name))
    if not clips:
        raise ClipsError(f"there is no recording in {', '.join(map(str, paths))}")
    paths_by_name: dict[str, Path] = {}
    for clip in clips:
        other = paths_by_name.setdefault(clip.name, clip.path)
        if other is not clip.path:
            raise ClipsError(
                f"{other} and {clip.path} would be written under one name; "
                "replay them one after the other, each with an --out of its own"
            )
    return clips


def _recordings(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in _SOUND | _PICTURES and path.is_file()
    )
