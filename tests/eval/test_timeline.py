"""What a timeline's files hold, and that there are all of them or none."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from eval.timeline import Summary, Timeline, timeline_in, write_summaries
from models.emotions import EMOTIONS
from tests.rtc.results import moment_of


def _add_four(timeline: Timeline) -> None:
    timeline.add(moment_of(0.5, None, None))
    timeline.add(moment_of(1.0, None, "sad"))
    timeline.add(moment_of(1.5, "angry", "happy"))
    timeline.add(moment_of(2.0, "angry", "happy"))


def test_csv_and_json_hold_the_same_moments(tmp_path: Path) -> None:
    """Both give time, labels, seven scores a track and the box; no evidence is empty and null."""
    with timeline_in(tmp_path, "a.mp4") as timeline:
        _add_four(timeline)
        timeline.finish(2.1)
    with (tmp_path / "a.mp4.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    document = json.loads((tmp_path / "a.mp4.json").read_text())
    assert document["file"] == "a.mp4"
    assert [float(row["time_s"]) for row in rows] == [0.5, 1.0, 1.5, 2.0]
    assert [m["time_s"] for m in document["moments"]] == [0.5, 1.0, 1.5, 2.0]
    assert (rows[0]["evidence"], rows[0]["voice_label"], rows[0]["face_happy"]) == ("none", "", "")
    assert document["moments"][0]["fused"] is None
    for row, moment in zip(rows[2:], document["moments"][2:], strict=True):
        for track in ("voice", "face", "fused"):
            assert row[f"{track}_label"] == moment[track]["label"]
            for emotion in EMOTIONS:
                assert float(row[f"{track}_{emotion}"]) == moment[track]["probabilities"][emotion]
        assert moment["face"]["box"] == {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4}
        assert float(row["box_width"]) == 0.3


def test_the_summary_counts_labels_where_there_is_evidence(tmp_path: Path) -> None:
    """The leading label's share is of the moments that have such evidence, not of all."""
    with timeline_in(tmp_path, "a.mp4") as timeline:
        _add_four(timeline)
        summary = timeline.finish(2.1)
    assert (summary.duration_s, summary.moments, summary.error) == (2.1, 4, None)
    assert (summary.voice_label, summary.voice_share) == ("angry", 1.0)
    assert (summary.face_label, summary.face_share) == ("happy", 0.6667)
    assert (summary.fused_label, summary.fused_share) == ("angry", 0.6667)
    assert (summary.voiced_share, summary.face_found_share) == (0.5, 0.75)
    document = json.loads((tmp_path / "a.mp4.json").read_text())
    assert document["summary"]["face_share"] == 0.6667


def test_the_plot_shows_each_track(tmp_path: Path) -> None:
    """The picture has three fields, one below the other; lines are drawn where evidence is."""
    with timeline_in(tmp_path, "face.mp4") as timeline:
        for tick in range(1, 5):
            timeline.add(moment_of(tick / 2, None, "happy"))
        timeline.finish(2.0)
    picture = cv2.imread(str(tmp_path / "face.mp4.png"))
    height, width = picture.shape[:2]
    assert width > 1000
    fields = np.array_split(picture[height // 20 :, : int(width * 0.85)], 3)
    orange = [int(((f[..., 0] < 40) & (f[..., 2] > 200)).sum()) for f in fields]
    assert orange[0] == 0
    assert min(orange[1:]) > 500


def test_any_file_name_can_be_drawn(tmp_path: Path) -> None:
    """Signs that mean mathematics to the plot, and letters its font lacks, are just a name."""
    name = "folder/cost $5_{x$ 日本.mp4"
    with timeline_in(tmp_path, name) as timeline:
        _add_four(timeline)
        timeline.finish(2.0)
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_a_replay_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    """When a recording proves damaged half-way, no half timeline stays behind."""

    def break_off() -> None:
        with timeline_in(tmp_path, "a.mp4") as timeline:
            _add_four(timeline)
            raise EOFError

    with pytest.raises(EOFError):
        break_off()
    assert list(tmp_path.iterdir()) == []


def test_the_summary_of_a_folder_has_a_row_for_each(tmp_path: Path) -> None:
    """Recordings that failed have a row too, with the reason and nothing else."""
    good = Summary("a.mp4", 2.0, 4, "angry", 1.0)
    write_summaries(tmp_path / "summary.csv", [good, Summary("b.mp4", error="it is empty")])
    with (tmp_path / "summary.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["file"], first["voice_label"], first["error"]) == ("a.mp4", "angry", "")
    assert (second["file"], second["duration_s"], second["error"]) == ("b.mp4", "", "it is empty")
