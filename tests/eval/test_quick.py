"""``python -m eval.quick`` on self-made data and, where they are, on real recordings."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from eval import quick
from models.emotions import EMOTIONS
from tests.media import DATA, NO_RECORDINGS, SOUND_RATE_HZ, synthetic_speech

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_data_by_chance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the environment nor the current folder leads to data."""
    monkeypatch.delenv("RAVDESS_ROOT", raising=False)
    monkeypatch.delenv("FER_TEST_ROOT", raising=False)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Seven class folders with three pictures each."""
    for level, emotion in enumerate(EMOTIONS):
        folder = tmp_path / "fer" / emotion
        folder.mkdir(parents=True)
        for name in "abc":
            cv2.imwrite(str(folder / f"{name}.png"), np.full((48, 48), 20 * level, np.uint8))
    return tmp_path / "fer"


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Two clips of an actor that the shipped network never heard, one of one it was trained on."""
    for actor, emotion in (("17", "01"), ("18", "05"), ("01", "05")):
        folder = tmp_path / "speech" / f"Actor_{actor}"
        folder.mkdir(parents=True)
        speech = synthetic_speech(2.0)
        soundfile.write(folder / f"03-01-{emotion}-01-01-01-{actor}.wav", speech, SOUND_RATE_HZ)
    return tmp_path / "speech"


def test_without_data_it_says_what_to_get(capsys: pytest.CaptureFixture[str]) -> None:
    """No folder at all gives exit code 2; it names flags, downloads and how folders must look."""
    assert quick.main([]) == 2
    said = capsys.readouterr()
    assert "--ravdess or RAVDESS_ROOT, and data/ravdess is not there" in said.out
    assert "--fer or FER_TEST_ROOT, and data/fer2013 is not there" in said.out
    assert "error: there are no test data" in said.err
    assert "https://zenodo.org/records/1188976" in said.err
    assert "data/ravdess/Actor_01/03-01-01-01-01-01-01.wav" in said.err
    assert "https://www.kaggle.com/datasets/msambare/fer2013" in said.err
    assert "data/fer2013/test/angry/" in said.err


def test_one_modality_alone_is_measured(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With pictures only, the face has a line with figures and the others say why not."""
    assert quick.main(["--fer", str(pictures)]) == 0
    said = capsys.readouterr()
    voice, face, fused = said.out.splitlines()
    assert "not measured" in voice
    assert re.search(r"face +top-1 +[\d.]+% .* ECE \d\.\d{3}  n 21 ", face)
    assert "needs both" in fused
    assert "zenodo.org" in said.err
    assert "kaggle.com" not in said.err


def test_data_are_found_in_the_folders_that_the_help_names(
    pictures: Path, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without flags data/ravdess and data/fer2013 of the current folder are measured."""
    Path("data").mkdir()
    clips.rename("data/ravdess")
    pictures.rename("data/fer2013")
    assert quick.main(["--fused-samples-per-class", "4"]) == 0
    voice, face, fused = capsys.readouterr().out.splitlines()
    assert " n 2  (" in voice
    assert "; 17, 18 chose the recipe and set the calibration; actors 1-16 of" in voice
    assert "the interval is of two actors; others vary more" in voice
    assert " n 21  (" in face
    assert " n 8  (" in fused


def test_only_actors_of_training_is_said(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder with nothing but actors of training is not measured, and the line says why."""
    assert quick.main(["--ravdess", str(clips / "Actor_01")]) == 2
    said = capsys.readouterr()
    assert "nothing but actors that the network was trained on (1)" in said.out
    assert "zenodo.org" in said.err


def test_broken_files_are_named_and_too_many_fail(
    clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One broken clip of three is named, counted and left out, and the exit code is 1."""
    broken = clips / "Actor_17" / "03-01-03-01-01-01-17.wav"
    broken.write_bytes(b"RIFF nothing")
    assert quick.main(["--ravdess", str(clips)]) == 1
    said = capsys.readouterr()
    line = said.out.splitlines()[0]
    assert " n 2  (" in line
    assert "1 could not be read" in line
    assert f"warning: {broken} cannot be read" in said.err
    assert "1 files for voice cannot be read, more than 5%" in said.err


def test_a_few_broken_files_do_not_fail(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One broken picture of 22, drawn or not, is named and counted; the exit code stays 0."""
    (pictures / "happy" / "z.png").write_bytes(b"no picture")
    assert quick.main(["--fer", str(pictures), "--eval-max-per-class", "1"]) == 0
    said = capsys.readouterr()
    assert " n 7  (" in said.out
    assert "1 could not be read" in said.out
    assert "z.png cannot be read" in said.err


def test_nothing_but_broken_files_fails(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where every clip is broken all are named, nothing is advertised, and the exit code is 1."""
    for path in clips.rglob("*.wav"):
        path.write_bytes(b"")
    assert quick.main(["--ravdess", str(clips)]) == 1
    said = capsys.readouterr()
    assert "none of 2 clips" in said.out
    assert said.err.count("cannot be read and is skipped") == 2
    assert "zenodo.org" not in said.err


@pytest.mark.parametrize("flag", ["--ravdess", "--fer"])
def test_a_named_folder_must_be_there(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that a flag names and that does not exist ends the command with exit code 2."""
    with pytest.raises(SystemExit) as ended:
        quick.main([flag, "nowhere"])
    assert ended.value.code == 2
    assert f"nowhere, named by {flag} or " in capsys.readouterr().err


def test_nonsense_settings_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A batch of no windows is refused with the reason."""
    with pytest.raises(SystemExit):
        quick.main(["--eval-batch-windows", "0"])
    assert "--eval-batch-windows: must be a whole number of at least 1" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_refused_first(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report folder that is a file is refused before anything is measured."""
    with pytest.raises(SystemExit) as ended:
        quick.main(["--fer", str(pictures), "--report", str(pictures / "happy" / "a.png")])
    assert ended.value.code == 2
    assert "a.png is a file; name a folder" in capsys.readouterr().err


def test_figures_are_written_with_date_and_machine(pictures: Path, tmp_path: Path) -> None:
    """--csv writes a row for each modality that was measured, and when and where that was."""
    table = tmp_path / "results" / "quick.csv"
    assert quick.main(["--fer", str(pictures), "--csv", str(table)]) == 0
    header, row = table.read_text().splitlines()
    assert header.startswith("date,machine,modality,top1,top5,balanced,ece,n,ci95_low,ci95_high,")
    assert ",face," in row


def test_json_is_all_that_standard_output_holds(pictures: Path, tmp_path: Path) -> None:
    """The command prints one JSON object of fractions; reasons and the report's path go aside."""
    report = tmp_path / "report"
    command = [sys.executable, "-m", "eval.quick", "--fer", str(pictures), "--json"]
    ran = subprocess.run(
        [*command, "--report", str(report)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = json.loads(ran.stdout)
    assert list(found) == ["voice", "face", "fused"]
    assert found["voice"] is found["fused"] is None
    face = found["face"]
    assert list(face) == ["top1", "top5", "balanced", "ece", "n", "ci95", "protocol"]
    assert face["n"] == 21
    assert 0 <= face["ci95"][0] <= face["top1"] <= face["ci95"][1] <= 1
    assert "voice  not measured" in ran.stderr
    assert json.loads((report / "results.json").read_text()) == found
    assert (report / "report.html").is_file()


@pytest.mark.skipif(not DATA.is_dir(), reason=NO_RECORDINGS)
def test_the_shipped_networks_are_as_good_as_their_cards_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """They know what the cards say, but for what another processor may round otherwise."""
    arguments = ["--ravdess", str(DATA / "ravdess"), "--fer", str(DATA / "fer2013"), "--full"]
    assert quick.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    shares = [float(re.search(r"top-1 +([\d.]+)%", line)[1]) for line in lines]
    assert "unseen actors 17, 18, 19, 20" in lines[0]
    assert shares[0] == pytest.approx(66.7, abs=1.5)  # three clips and a half
    assert shares[1] == pytest.approx(67.7, abs=0.5)
    assert shares[3] == pytest.approx(78.8, abs=0.5)  # by FER+ majorities
