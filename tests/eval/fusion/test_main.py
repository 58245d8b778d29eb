"""``python -m eval.fusion`` on self-made files and, where they are, on real recordings."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from eval.fusion.__main__ import main
from eval.fusion.cases import BABBLE, CLEAN, DEGRADED
from eval.fusion.rules import RULES
from models.emotions import EMOTIONS
from tests.media import DATA, MEDIA, NO_RECORDINGS, synthetic_speech


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Clips of two actors and noise for pictures, a few of each emotion."""
    rng = np.random.default_rng(0)
    for actor in ("17", "18"):
        (tmp_path / "ravdess" / f"Actor_{actor}").mkdir(parents=True)
        for code in range(2, 9):
            speech = synthetic_speech(1.5, 90.0 + 10 * code).astype(np.float32) / 32768
            name = f"Actor_{actor}/03-01-{code:02}-01-01-01-{actor}.wav"
            soundfile.write(tmp_path / "ravdess" / name, speech, 48_000)
    for emotion in EMOTIONS:
        (tmp_path / "fer" / "test" / emotion).mkdir(parents=True)
        for number in range(8):
            pixels = rng.integers(0, 256, (48, 48), np.uint8)
            cv2.imwrite(str(tmp_path / "fer" / "test" / emotion / f"{number}.png"), pixels)
    return tmp_path


def table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a written table."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def run(data: Path, *more: str) -> int:
    """Run the command on self-made data."""
    return main(["--ravdess", str(data / "ravdess"), "--fer", str(data / "fer"), *more])


def test_the_table_has_every_rule_under_every_condition(
    data: Path, capsys: pytest.CaptureFixture[str]
):
    """It is printed and written, with date and machine; weighted gains nothing over itself."""
    assert run(data, "--csv", str(data / "table.csv"), "--fused-samples-per-class", "4") == 0
    printed = capsys.readouterr().out
    rows = table(data / "table.csv")
    conditions = dict.fromkeys(row["condition"] for row in rows)
    assert list(conditions)[:7] == [*DEGRADED, "voice silent", "no face"]
    assert len(rows) == len(conditions) * len(RULES)
    for row in rows:
        assert row["condition"] in printed
        assert f"  {row['rule']} " in printed
        assert row["date"].startswith("20")
        assert row["machine"]
        assert row["condition"] not in DEGRADED or row["n"] == "56"
        assert row["rule"] != "weighted" or float(row["gain"]) == 0


def test_the_halves_share_no_actor(data: Path, capsys: pytest.CaptureFixture[str]):
    """With a single unseen actor there is nobody to learn from: exit code 2 and the reason."""
    for clip in (data / "ravdess" / "Actor_18").iterdir():
        clip.unlink()
    assert run(data) == 2
    assert "it needs two unseen" in capsys.readouterr().err


def test_unreadable_clips_are_counted(data: Path, capsys: pytest.CaptureFixture[str]):
    """A broken clip is left out, and standard error says how many were."""
    (data / "ravdess/Actor_17/03-01-03-02-01-01-17.wav").write_bytes(b"RIFF nothing")
    assert run(data, "--fused-samples-per-class", "2") == 0
    assert "1 clips could not be read" in capsys.readouterr().err


def test_missing_folders_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A folder that is not there is named, and the exit code is 2."""
    assert run(tmp_path) == 2
    assert str(tmp_path / "ravdess") in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(tmp_path, "--media", str(tmp_path / "nowhere"))
    assert "nowhere is no folder" in capsys.readouterr().err


@pytest.mark.skipif(not DATA.is_dir(), reason=NO_RECORDINGS)
def test_real_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """On unseen people both together beat each alone, log is at least near weighted, noise hurts.

    Of the clips, those with voice and face are fused at half seconds; the silent one is left out.
    """
    arguments = ["--ravdess", str(DATA / "ravdess"), "--fer", str(DATA / "fer2013")]
    arguments += ["--media", str(MEDIA), "--csv", str(tmp_path / "table.csv")]
    sample = ["--eval-max-per-class", "16", "--fused-samples-per-class", "60"]
    assert main([*arguments, *sample]) == 0
    assert "sad_woman_360p24_silent.mp4: left out" in capsys.readouterr().err
    top1 = {
        (row["data"], row["condition"], row["rule"]): float(row["top1"])
        for row in table(tmp_path / "table.csv")
    }
    alone = max(top1["pairs", CLEAN, "voice alone"], top1["pairs", CLEAN, "face alone"])
    assert top1["pairs", CLEAN, "weighted"] > alone + 0.03
    assert top1["pairs", CLEAN, "log"] > top1["pairs", CLEAN, "weighted"] - 0.03
    assert top1["pairs", BABBLE, "voice alone"] < top1["pairs", CLEAN, "voice alone"]
    assert ("clips", CLEAN, "weighted") in top1
