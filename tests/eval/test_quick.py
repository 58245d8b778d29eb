"""``python -m eval.quick`` on self-made data and, where they are, on real recordings."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from eval import quick
from models.emotions import EMOTIONS
from tests.media import DATA, NO_RECORDINGS, synthetic_speech


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Seven class folders with a picture each."""
    for level, emotion in enumerate(EMOTIONS):
        folder = tmp_path / "fer" / emotion
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "a.png"), np.full((48, 48), 20 * level, np.uint8))
    return tmp_path / "fer"


def test_without_data_it_says_how_to_name_it(capsys: pytest.CaptureFixture[str]) -> None:
    """No folder at all gives exit code 2 and names the flags."""
    assert quick.main([]) == 2
    output = capsys.readouterr().out
    assert "--ravdess or RAVDESS_ROOT" in output
    assert "--fer or FER_TEST_ROOT" in output


def test_one_modality_alone_is_measured(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With pictures only, the face has a line with figures and the others say why not."""
    assert quick.main(["--fer", str(pictures)]) == 0
    voice, face, fused = capsys.readouterr().out.splitlines()
    assert "not measured" in voice
    assert re.search(r"face +top-1 +[\d.]+% .* n 7 ", face)
    assert "needs both" in fused


def test_an_unreadable_clip_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A broken recording is left out and the line says how many were."""
    folder = tmp_path / "Actor_17"
    folder.mkdir()
    speech = synthetic_speech(2.0).astype(np.float32) / 32768
    soundfile.write(folder / "03-01-05-01-01-01-17.wav", speech, 48_000)
    (folder / "03-01-03-01-01-01-17.wav").write_bytes(b"RIFF nothing")
    assert quick.main(["--ravdess", str(tmp_path)]) == 0
    assert "n 1  (" in (line := capsys.readouterr().out.splitlines()[0])
    assert "1 could not be read" in line


def test_nonsense_settings_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A batch of no windows is refused with the reason."""
    with pytest.raises(SystemExit):
        quick.main(["--eval-batch-windows", "0"])
    assert "a batch needs at least 1 window" in capsys.readouterr().err


@pytest.mark.skipif(not DATA.is_dir(), reason=NO_RECORDINGS)
def test_the_shipped_networks_reach_their_first_bars(capsys: pytest.CaptureFixture[str]) -> None:
    """Voice at least 50 % on unseen actors, face at least 60 % on unseen pictures, by all data."""
    arguments = ["--ravdess", str(DATA / "ravdess"), "--fer", str(DATA / "fer2013"), "--full"]
    assert quick.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    shares = [float(re.search(r"top-1 +([\d.]+)%", line)[1]) for line in lines]
    assert "unseen actors 17, 18, 19, 20" in lines[0]
    assert shares[0] >= 50
    assert shares[1] >= 60
