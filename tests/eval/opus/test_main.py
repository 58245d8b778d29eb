"""``python -m eval.opus``: real peer connections, real Opus, self-made clips."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import soundfile

from eval.opus.__main__ import main
from tests.media import SOUND_RATE_HZ, synthetic_speech


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """Two clips of an unseen actor, a broken one, and one of an actor of training."""
    for actor, emotion in (("17", "01"), ("17", "05"), ("17", "06"), ("01", "05")):
        path = tmp_path / "ravdess" / f"Actor_{actor}" / f"03-01-{emotion}-01-01-01-{actor}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, synthetic_speech(1.6), SOUND_RATE_HZ)
    (tmp_path / "ravdess" / "Actor_17" / "03-01-06-01-01-01-17.wav").write_bytes(b"RIFF nothing")
    return tmp_path / "ravdess"


def test_the_command_compares_clips_of_unseen_actors(
    speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It prints and writes both versions and their difference, and names a broken clip."""
    assert main(["--ravdess", str(speech), "--csv", str(tmp_path / "opus.csv")]) == 0
    said = capsys.readouterr()
    recorded, received, difference, took = said.out.splitlines()
    assert recorded.startswith("as recorded   top-1 ")
    assert received.startswith("through Opus  top-1 ")
    assert recorded.endswith(" n 2")
    assert received.endswith(" n 2")
    assert " points of top-1 (95 %: " in difference
    assert difference.endswith(", 0 packets lost")
    assert took.endswith(" s")
    assert "03-01-06-01-01-01-17.wav cannot be read and is skipped" in said.err
    with (tmp_path / "opus.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["sound"] for row in rows] == ["as recorded", "through Opus"]
    assert [row["n"] for row in rows] == ["2", "2"]


def test_without_clips_it_says_what_to_get(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder without RAVDESS gives exit code 2 and the address to get it from."""
    assert main(["--ravdess", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "holds no RAVDESS speech" in said
    assert "https://zenodo.org/records/1188976" in said


def test_nonsense_settings_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Fewer than no clips are refused with the reason."""
    with pytest.raises(SystemExit):
        main(["--eval-max-per-class", "-1"])
    assert "must be a whole number of at least 0, not '-1'; 0 takes all" in capsys.readouterr().err
