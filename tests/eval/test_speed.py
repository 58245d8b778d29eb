"""The command that says what an answer costs prints and writes what it measured."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from eval import speed


def test_speeds_are_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Three kinds of answers, each with a median below its p95; four files with their sizes."""
    table = tmp_path / "speed.csv"
    assert speed.main(["--count", "10", "--csv", str(table)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["voice", "face", "face"]
    assert [line.split()[0] for line in lines[3:]] == [
        "audio_bilstm.pt",
        "audio_bilstm.onnx",
        "face_mobilenetv3.pt",
        "face_mobilenetv3.onnx",
    ]
    assert all(re.search(r"\d\.\d MB$", line) for line in lines[3:])
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert len(rows) == 3
    assert all(0 < float(row["median_ms"]) <= float(row["p95_ms"]) for row in rows)


def test_median_and_p95_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of answers that take 1 to 21 ms, 11 is the median and 20 the 95th percentile."""
    times = iter([t / 1000 for number in range(1, 22) for t in (0, number)])
    monkeypatch.setattr("time.perf_counter", lambda: next(times))
    found = speed.timed("an answer", lambda: None, 21)
    assert (found.median_ms, found.p95_ms) == (pytest.approx(11), pytest.approx(20))


def test_too_few(capsys: pytest.CaptureFixture[str]) -> None:
    """Fewer than ten tell nothing and are refused."""
    with pytest.raises(SystemExit):
        speed.main(["--count", "3"])
    assert "--count: must be a whole number of at least 10" in capsys.readouterr().err
