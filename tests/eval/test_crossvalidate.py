"""Cross-validation by actor: who is in which fold, the figures by hand, and one small real run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from eval import crossvalidate
from eval.crossvalidate import Fold, folds_of, rows_of
from tests.media import synthetic_speech


def test_folds():
    """Twenty actors give five folds of four neighbours, two men and two women in each."""
    folds = folds_of([*range(20, 0, -1), 3, 3], 5)
    assert folds[0] == (1, 2, 3, 4)
    assert sorted(actor for fold in folds for actor in fold) == list(range(1, 21))
    assert all(sum(actor % 2 for actor in fold) == 2 for fold in folds)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_impossible_folds(count: int):
    """Fewer than two folds, or more than there are actors, are refused before anything is read."""
    with pytest.raises(ValueError, match=f"{count} folds of 2 actors"):
        folds_of([1, 2], count)


def test_no_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """An empty folder gives exit code 2 and says what to put there."""
    assert crossvalidate.main(["--ravdess", str(tmp_path)]) == 2
    assert "Actor_01" in capsys.readouterr().err


def fold(actor: int, right: int, wrong: int) -> Fold:
    """Return a fold of clips of two windows each, of which as many are taken for happy rightly."""
    happy = np.full((2, 7), 0.05, np.float32)
    happy[:, 3] = 0.7
    labels = np.array([3] * right + [0] * wrong, np.int64)
    return Fold((actor,), (happy,) * (right + wrong), labels)


def test_figures_by_hand():
    """Each fold has its shares; the last rows are the folds' mean and standard deviation."""
    first, second, mean, deviation = rows_of([fold(1, 3, 1), fold(2, 1, 3)])
    assert (first.fold, first.clips, first.top1, first.window_top1) == ("1", 4, 0.75, 0.75)
    assert second.top1 == 0.25
    assert (mean.clips, mean.top1) == (8, 0.5)
    assert deviation.top1 == pytest.approx(np.sqrt(2 * 0.25**2))
    assert first.ece is None
    assert mean.ece is not None


def test_calibration_is_fitted_elsewhere():
    """A fold's confidence comes from the others: where they are right more often, it is higher."""
    (of_bad_by_good, _) = crossvalidate.calibrated([fold(1, 1, 9), fold(2, 9, 1)])
    (of_bad_by_bad, _) = crossvalidate.calibrated([fold(1, 1, 9), fold(2, 1, 9)])
    assert of_bad_by_good[0, 3] > of_bad_by_bad[0, 3] + 0.2


@pytest.mark.timeout(300)
def test_a_small_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Two actors, two folds, two steps: both folds are scored, and the table is written."""
    for actor in (1, 2):
        folder = tmp_path / f"Actor_{actor:02}"
        folder.mkdir()
        for emotion in (3, 5):
            name = f"03-01-{emotion:02}-01-01-01-{actor:02}.wav"
            speech = synthetic_speech(1.6)[:: 3 + actor].astype(np.float32) / 32768
            soundfile.write(folder / name, speech, 16_000)
    table = tmp_path / "results" / "table.csv"
    arguments = ["--ravdess", str(tmp_path), "--folds", "2", "--steps", "2"]
    arguments += ["--checkpoints", str(tmp_path / "runs"), "--csv", str(table)]
    assert crossvalidate.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()[-4:]
    assert [line.split()[0] for line in lines] == ["1", "2", "mean", "standard"]
    assert table.read_text().startswith("date,machine,fold,clips,top1,")
    assert len(list((tmp_path / "runs").glob("*.pt"))) == 4  # of two phases


def test_a_damaged_recording_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A recording that cannot be read ends the run in one line that names it."""
    for actor in (1, 2):
        folder = tmp_path / f"Actor_{actor:02}"
        folder.mkdir()
        (folder / f"03-01-05-01-01-01-{actor:02}.wav").write_bytes(b"no sound")
    assert crossvalidate.main(["--ravdess", str(tmp_path), "--folds", "2"]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: ")
    assert "03-01-05-01-01-01-01.wav" in line
