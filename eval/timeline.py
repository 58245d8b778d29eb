"""What a replay writes: each moment of a recording as CSV and JSON, a plot, and their summary."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from eval.timeline_plot import Curves, timeline_png
from models.emotions import EMOTIONS
from rtc.messages import ModalityMessage
from rtc.moments import TRACKS, Moment, Tally, TrackSummary

_BOX = ("x", "y", "width", "height")
COLUMNS = (
    "time_s",
    "evidence",
    *(f"{track}_{what}" for track in TRACKS for what in ("label", *EMOTIONS)),
    *(f"box_{side}" for side in _BOX),
    "audio_level",
)


@dataclass(frozen=True)
class Summary:
    """A recording in one row. Shares are in [0, 1]; what cannot be said is None.

    Attributes:
        file: which.
        duration_s: from the first frame to the end of the last.
        moments: ticks, two a second.
        voice_label, face_label, fused_label: the one that leads most often.
        voice_share, face_share, fused_share: how often, of the moments with such evidence.
        voiced_share: of the moments with sound, those whose newest half second is above silence.
        face_found_share: of the pictures looked at, those that show a face.
        error: why there is nothing, or None.
    """

    file: str
    duration_s: float | None = None
    moments: int = 0
    voice_label: str | None = None
    voice_share: float | None = None
    face_label: str | None = None
    face_share: float | None = None
    fused_label: str | None = None
    fused_share: float | None = None
    voiced_share: float | None = None
    face_found_share: float | None = None
    error: str | None = None


class Timeline:
    """Writes moments as they come; keeps of each only what the plot and the summary need."""

    def __init__(self, name: str, table: TextIO, document: TextIO, picture: Path) -> None:
        """Write CSV to ``table``, JSON to ``document`` and, in the end, PNG to ``picture``."""
        self._name = name
        self._rows = csv.DictWriter(table, COLUMNS)
        self._document = document
        self._picture = picture
        self._curves = Curves()
        self._tally = Tally()
        self._separator = ""
        self._rows.writeheader()
        document.write(f'{{"file": {json.dumps(name)}, "moments": [')

    def add(self, moment: Moment) -> None:
        """Take the next moment."""
        fields_of = _json_fields(moment)
        self._rows.writerow(_row(fields_of))
        self._document.write(f"{self._separator}\n{json.dumps(fields_of, allow_nan=False)}")
        self._separator = ","
        self._tally.add(moment)
        self._curves.times_s.append(moment.time_s)
        for track, scores in self._curves.scores.items():
            evidence: ModalityMessage | None = getattr(moment.message, track)
            scores.extend(
                evidence.probabilities[emotion] if evidence else np.nan for emotion in EMOTIONS
            )

    def finish(self, duration_s: float) -> Summary:
        """Write what stands at the end, and draw the plot."""
        whole = self._tally.summary(duration_s)
        summary = Summary(
            self._name,
            whole.duration_s,
            whole.moments,
            *_leader(whole.voice),
            *_leader(whole.face),
            *_leader(whole.fused),
            voiced_share=whole.voiced_share,
            face_found_share=whole.face_found_share,
        )
        self._document.write(f'\n], "summary": {json.dumps(asdict(summary))}}}\n')
        self._picture.write_bytes(timeline_png(self._name, self._curves, duration_s))
        return summary


@contextmanager
def timeline_in(folder: Path, name: str) -> Iterator[Timeline]:
    """Write ``name.csv``, ``name.json`` and ``name.png`` below ``folder``; all of them or none.

    Raises:
        OSError: they cannot be written.
    """
    table, document, picture = (folder / f"{name}.{kind}" for kind in ("csv", "json", "png"))
    table.parent.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as files:
            rows = files.enter_context(table.open("w", encoding="utf-8", newline=""))
            text = files.enter_context(document.open("w", encoding="utf-8"))
            yield Timeline(name, rows, text, picture)
    except BaseException:
        for path in (table, document, picture):
            path.unlink(missing_ok=True)
        raise


def write_summaries(path: Path, summaries: Sequence[Summary]) -> None:
    """Write one row of CSV for each recording, those that failed among them."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, [field.name for field in fields(Summary)])
        rows.writeheader()
        rows.writerows(asdict(summary) for summary in summaries)


def _json_fields(moment: Moment) -> dict[str, Any]:
    """Return the message without what only a connection has: its number and the wall clock."""
    message = asdict(moment.message)
    return {
        "time_s": round(moment.time_s, 3),
        **{key: message[key] for key in ("evidence", "voice", "face", "fused", "audio_level")},
    }


def _row(fields_of: dict[str, Any]) -> dict[str, Any]:
    row = {key: fields_of[key] for key in ("time_s", "evidence", "audio_level")}
    for track in TRACKS:
        if (evidence := fields_of[track]) is not None:
            row[f"{track}_label"] = evidence["label"]
            row |= {f"{track}_{name}": p for name, p in evidence["probabilities"].items()}
    if fields_of["face"] is not None:
        row |= {f"box_{side}": fields_of["face"]["box"][side] for side in _BOX}
    return row


def _leader(track: TrackSummary | None) -> tuple[str | None, float | None]:
    return (track.label, track.share) if track else (None, None)
