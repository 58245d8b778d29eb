"""Drawing test data: seeded, per class, never of training's speakers, and clear when absent."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from eval.config import EvalConfig
from eval.datasets import (
    DataError,
    draw,
    face_test,
    fer_folder,
    ravdess_folder,
    spoken_by_man,
    voice_test,
)
from models.emotions import EMOTIONS


def test_a_draw_is_the_same_for_the_same_seed() -> None:
    """A seed fixes the draw, another changes it, and no class gives more than asked."""
    labels = [row % 7 for row in range(210)]
    first = draw(labels, 4, seed=1)
    assert first == draw(labels, 4, seed=1) != draw(labels, 4, seed=2)
    assert np.bincount([labels[row] for row in first]).tolist() == [4] * 7


def test_zero_draws_all() -> None:
    """Zero per class takes every row once."""
    assert sorted(draw([0, 1, 1, 6], 0, seed=0)) == [0, 1, 2, 3]


def test_speakers_of_training_are_left_out(tmp_path: Path) -> None:
    """Only clips of actors that training did not hear are drawn."""
    for actor in ("01", "17", "18"):
        folder = tmp_path / f"Actor_{actor}"
        folder.mkdir()
        soundfile.write(folder / f"03-01-05-01-01-01-{actor}.wav", np.zeros(160), 16_000)
    test = voice_test(tmp_path, trained_on=[1, 2], max_per_class=0, seed=0)
    assert test.actors == (17, 18)
    assert [clip.speaker for clip in test.clips] == ["17", "18"]


def test_only_speakers_of_training_is_no_test_data(tmp_path: Path) -> None:
    """A folder with nothing but training's speakers is refused: it names them, and what to get."""
    (tmp_path / "Actor_01").mkdir()
    soundfile.write(tmp_path / "Actor_01/03-01-05-01-01-01-01.wav", np.zeros(160), 16_000)
    with pytest.raises(DataError, match=r"trained on \(1\); .* Actor_24"):
        voice_test(tmp_path, trained_on=[1], max_per_class=0, seed=0)


@pytest.mark.parametrize("inner", ["", "test"])
def test_pictures_are_found_in_the_folder_or_in_its_test_folder(tmp_path: Path, inner: str) -> None:
    """Both the class folders themselves and a folder that holds test/ are taken."""
    for emotion in EMOTIONS:
        folder = tmp_path / inner / emotion
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "a.png"), np.full((48, 48), 99, np.uint8))
    assert len(face_test(tmp_path, max_per_class=0, seed=0).drawn) == 7


def test_a_folder_without_classes_says_what_is_missing(tmp_path: Path) -> None:
    """A folder without the seven classes is refused and says how it must look."""
    with pytest.raises(DataError, match="must hold the folders angry, disgust"):
        face_test(tmp_path, max_per_class=0, seed=0)


def test_a_folder_without_speech_says_how_it_must_look(tmp_path: Path) -> None:
    """A folder without any clip is refused and says what it must hold."""
    with pytest.raises(DataError, match=r"no RAVDESS speech; .* Actor_01 \.\.\. Actor_24"):
        voice_test(tmp_path, trained_on=[], max_per_class=0, seed=0)


def test_pictures_of_training_are_no_test_data(tmp_path: Path) -> None:
    """The folder of FER-2013's training split is refused: its figures would mean nothing."""
    for emotion in EMOTIONS:
        (tmp_path / emotion).mkdir()
        cv2.imwrite(str(tmp_path / emotion / "Training_1.png"), np.zeros((48, 48), np.uint8))
    with pytest.raises(DataError, match="training split"):
        face_test(tmp_path, max_per_class=0, seed=0)


def test_two_folders_of_one_class_are_refused(tmp_path: Path) -> None:
    """Folders that name one class twice are refused instead of one being taken."""
    for name in ("anger", *EMOTIONS):
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match="both hold angry pictures"):
        face_test(tmp_path, max_per_class=0, seed=0)


def test_data_are_found_where_the_help_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no folder named, data/ravdess and data/fer2013 are taken, once they are there."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="--ravdess or RAVDESS_ROOT, and data/ravdess is not"):
        ravdess_folder(EvalConfig())
    with pytest.raises(DataError, match="--fer or FER_TEST_ROOT, and data/fer2013 is not"):
        fer_folder(EvalConfig())
    for name in ("ravdess", "fer2013", "own"):
        (tmp_path / "data" / name).mkdir(parents=True)
    assert ravdess_folder(EvalConfig()) == Path("data/ravdess")
    assert fer_folder(EvalConfig()) == Path("data/fer2013")
    own = Path("data/own")
    assert ravdess_folder(EvalConfig(ravdess_root=own)) == own
    assert fer_folder(EvalConfig(fer_test_root=own)) == own


def test_odd_actors_are_men() -> None:
    """RAVDESS numbers men odd and women even."""
    assert spoken_by_man("03-01-05-01-02-01-17.wav")
    assert not spoken_by_man("03-01-05-01-02-01-18.flac")
