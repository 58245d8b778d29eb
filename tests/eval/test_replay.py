"""``python -m eval.replay``: its files and lines, and that nothing in a folder stops it."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import numpy as np
import pytest

from eval import replay
from tests.eval.recordings import Sound, grey, steady, write_recording
from tests.media import (
    HAPPY,
    MEDIA,
    NO_FACE,
    NO_RECORDINGS,
    SILENT,
    photograph_clip,
    synthetic_speech,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Good, poor and broken recordings, and a file that is none."""
    clips = tmp_path / "clips"
    (clips / "deeper").mkdir(parents=True)
    face = photograph_clip().pictures[0]
    speech = synthetic_speech(2.0)
    write_recording(clips / "both.mp4", steady(face, 2.0), Sound(speech))
    write_recording(clips / "pictures.webm", steady(face, 2.0))
    write_recording(clips / "deeper" / "sound.flac", sound=Sound(speech))
    write_recording(clips / "nobody.mkv", steady(grey(), 2.0), Sound(np.zeros(96_000, np.int16)))
    write_recording(clips / "short.mkv", steady(grey(), 0.3))
    (clips / "broken.mp4").write_bytes(b"ftyp" * 500)
    (clips / "empty.wav").write_bytes(b"")
    whole = (clips / "both.mp4").read_bytes()
    (clips / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (clips / "notes.txt").write_text("not a recording")
    return clips


def test_a_folder_gives_each_recording_its_line_and_its_row(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Broken files are named with the reason, the others go on, and the exit code is 1."""
    out = tmp_path / "out"
    assert replay.main([str(folder), "--out", str(out)]) == 1
    printed = capsys.readouterr()
    said = dict(line.split(": ", 1) for line in printed.out.splitlines())
    assert sorted(said) == ["both.mp4", "deeper/sound.flac", "nobody.mkv", "pictures.webm"]
    assert "voice " in said["both.mp4"]
    assert "face " in said["both.mp4"]
    assert "no sound" in said["pictures.webm"]
    assert "no pictures" in said["deeper/sound.flac"]
    assert "below the silence threshold" in said["nobody.mkv"]
    assert "no face found" in said["nobody.mkv"]
    assert "broken.mp4: not replayed: it cannot be read as a recording" in printed.err
    assert "cut.mp4: not replayed: it cannot be read as a recording" in printed.err
    assert "empty.wav: not replayed: the file is empty" in printed.err
    assert "short.mkv: not replayed: it lasts 0." in printed.err

    with (out / "summary.csv").open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert len(rows) == 8
    assert {name for name, row in rows.items() if row["error"]} == {
        "broken.mp4",
        "cut.mp4",
        "empty.wav",
        "short.mkv",
    }
    assert rows["both.mp4"]["face_found_share"] == "1.0"
    assert rows["nobody.mkv"]["voiced_share"] == "0.0"
    assert rows["nobody.mkv"]["face_found_share"] == "0.0"
    assert rows["pictures.webm"]["fused_label"] == rows["pictures.webm"]["face_label"] != ""
    assert rows["deeper/sound.flac"]["fused_label"] == rows["deeper/sound.flac"]["voice_label"]
    kinds = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} - {
        "summary.csv"
    }
    assert kinds == {f"{name}.{kind}" for name in said for kind in ("csv", "json", "png")}


def test_one_clip_gives_one_timeline(
    talking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A clip alone gives its three files, no summary, exit code 0; ``--fusion log`` is heeded."""
    for mode in ("weighted", "log"):
        assert replay.main([str(talking), "--out", str(tmp_path / mode), "--fusion", mode]) == 0
    capsys.readouterr()
    assert sorted(path.suffix for path in (tmp_path / "log").iterdir()) == [".csv", ".json", ".png"]
    weighted, log = (
        json.loads((tmp_path / mode / f"{talking.name}.json").read_text())["moments"][-1]
        for mode in ("weighted", "log")
    )
    assert weighted["face"] == log["face"]
    assert weighted["fused"] != log["fused"]


def test_nothing_to_replay_is_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder without recordings says so."""
    (tmp_path / "notes.txt").write_text("not a recording")
    assert replay.main([str(tmp_path)]) == 2
    assert f"there is no recording in {tmp_path}" in capsys.readouterr().err


def test_two_clips_of_one_name_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One would overwrite the other's timeline."""
    paths = [tmp_path / folder / "a.mp4" for folder in ("one", "two")]
    assert replay.main([str(path) for path in paths]) == 2
    assert "under one name" in capsys.readouterr().err


def test_a_missing_clip_is_said_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A path that is not there is named as it was given; the exit code is 1."""
    missing = tmp_path / "a.mp4"
    assert replay.main([str(missing), "--out", str(tmp_path / "out")]) == 1
    assert f"{missing}: not replayed: there is no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--out", "README.md"), "--out: README.md is a file; name a folder"),
        (("--out", "README.md/deeper"), "--out: README.md is a file; name a folder"),
        (("--fuse-w-voice", "3"), "--fuse-w-voice: must be a number from 0 to 1, not '3'"),
        (("--otu", "here"), "unrecognized arguments: --otu here (see --help)"),
    ],
)
def test_wrong_flags_are_one_line(
    arguments: tuple[str, ...],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A flag that cannot be heeded ends the command with exit code 2 and one line."""
    monkeypatch.chdir(tmp_path)
    Path("README.md").write_text("not a folder")
    with pytest.raises(SystemExit) as ended:
        replay.main(["a.mp4", *arguments])
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n")) == (2, 1)
    assert sentence in said


@pytest.mark.skipif(not MEDIA.is_dir(), reason=NO_RECORDINGS)
def test_real_clips_take_less_time_than_they_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The four clips are replayed faster than real time, and say what they show and lack."""
    started_at = time.monotonic()
    assert replay.main([str(MEDIA), "--out", str(tmp_path)]) == 0
    elapsed_s = time.monotonic() - started_at
    lines = capsys.readouterr().out.splitlines()
    said = dict(line.split(": ", 1) for line in lines)
    assert "no face found" in said[NO_FACE.name]
    assert "below the silence threshold" in said[SILENT.name]
    with (tmp_path / "summary.csv").open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert elapsed_s < sum(float(row["duration_s"]) for row in rows.values())
    assert rows[HAPPY.name]["face_label"] == "happy"
    assert float(rows[HAPPY.name]["face_found_share"]) == 1
    assert float(rows[SILENT.name]["voiced_share"]) == 0
