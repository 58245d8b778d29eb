"""Write figures as CSV with the date and the machine, without which a figure means little."""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path


def write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows, whose columns are those that any row has; shares are rounded to 4 digits."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["date", "machine", *columns], lineterminator="\n")
        table.writeheader()
        origin = {"date": datetime.now(UTC).date().isoformat(), "machine": machine()}
        for row in rows:
            rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}
            table.writerow({**origin, **rounded})


def machine() -> str:
    """Return the processor, as Linux names it, and how many cores there are."""
    name = platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name}, {os.cpu_count()} cores"
