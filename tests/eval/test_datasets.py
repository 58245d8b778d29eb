"""Drawing test data: seeded, per class, never of training's speakers, and clear when absent."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from eval.datasets import DataError, draw, face_test, voice_test
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
    """A folder with nothing but training's speakers is refused and says what to get."""
    (tmp_path / "Actor_01").mkdir()
    soundfile.write(tmp_path / "Actor_01/03-01-05-01-01-01-01.wav", np.zeros(160), 16_000)
    with pytest.raises(DataError, match=r"Actor_01 \.\.\. Actor_24"):
        voice_test(tmp_path, trained_on=[1], max_per_class=0, seed=0)


@pytest.mark.parametrize("inner", ["", "test"])
def test_pictures_are_found_in_the_folder_or_in_its_test_folder(tmp_path: Path, inner: str) -> None:
    """Both the class folders themselves and a folder that holds test/ are taken."""
    for emotion in EMOTIONS:
        folder = tmp_path / inner / emotion
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "a.png"), np.full((48, 48), 99, np.uint8))
    assert len(face_test(tmp_path, max_per_class=0, seed=0)) == 7


def test_a_folder_without_classes_says_what_is_missing(tmp_path: Path) -> None:
    """A folder without the seven classes is refused and says how it must look."""
    with pytest.raises(DataError, match="must hold the folders angry, disgust"):
        face_test(tmp_path, max_per_class=0, seed=0)
