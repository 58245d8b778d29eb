"""Recordings with voice and face, as cases of each condition."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from eval.fusion.cases import CLEAN, DEGRADED, WHITE
from eval.fusion.clips import clip_cases, labelled_clips
from models.emotions import EMOTIONS, Emotion
from models.loading import LoadedModels
from tests.eval.recordings import talking_person


def test_clips_are_labelled_by_their_names(tmp_path: Path):
    """The first word of a name is the emotion; other files are not taken."""
    for name in ("happy_woman.mp4", "Anger.webm", "no_face.mp4", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "sad_folder").mkdir()
    found = [(path.name, emotion) for path, emotion in labelled_clips(tmp_path)]
    assert found == [("Anger.webm", Emotion.ANGRY), ("happy_woman.mp4", Emotion.HAPPY)]


async def test_a_broken_clip_is_named_and_left_out(
    tmp_path: Path, models: LoadedModels, capsys: pytest.CaptureFixture[str]
):
    """A file that is no recording gives no case, and standard error names it."""
    (tmp_path / "happy_nobody.mp4").write_bytes(bytes(1000))
    assert await clip_cases(tmp_path, models, seed=0) == []
    assert "happy_nobody.mp4: left out: it cannot be read" in capsys.readouterr().err


async def test_every_condition_has_all_half_seconds(tmp_path: Path, models: LoadedModels):
    """Each case has the clip's label at each moment, and noise makes the voice say otherwise."""
    (tmp_path / "clips").mkdir()
    shutil.copy(talking_person(tmp_path), tmp_path / "clips" / "happy.mp4")
    made = await clip_cases(tmp_path / "clips", models, seed=0)
    cases = {case.condition: case for case in made}
    assert list(cases) == list(DEGRADED)
    for case in cases.values():
        assert set(case.labels) == {EMOTIONS.index(Emotion.HAPPY)}
        assert set(case.half) == {-1}
        assert (case.heard | case.seen).all()
        np.testing.assert_allclose(case.voice[case.heard].sum(axis=1), 1, atol=1e-3)
        np.testing.assert_allclose(case.face[case.seen].sum(axis=1), 1, atol=1e-3)
    clean, noisy = cases[CLEAN], cases[WHITE]
    assert (clean.heard & clean.seen).any()
    np.testing.assert_array_equal(clean.face, noisy.face)
    assert np.abs(clean.voice - noisy.voice).max() > 0.05
