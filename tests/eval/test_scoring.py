"""What scoring promises every evaluation: fused by pairs, shares of broken files, plain lists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eval.config import EvalConfig
from eval.datasets import DataError
from eval.pairs import draw_pairs
from eval.scoring import Scored, by_majority, listed, score_fused
from models.fusion import FusionConfig, fuse


def of_labels(labels: list[int], *, seed: int, broken: int = 0, opened: int = 0) -> Scored:
    """Random scores of the given labels."""
    scores = np.random.default_rng(seed).dirichlet(np.ones(7), len(labels)).astype(np.float32)
    names = tuple(f"{seed}-{row}" for row in range(len(labels)))
    paths = (Path("x"),) * broken
    return Scored(scores, np.array(labels, np.int64), names, paths, "", opened)


def test_fused_scores_are_those_of_the_pairs() -> None:
    """Each fused row is the fusion of the clip and the picture that were drawn, and named so."""
    voice, face = of_labels([0, 0, 3], seed=1), of_labels([3, 0, 3, 5], seed=2)
    config, fusion = EvalConfig(fused_samples_per_class=5), FusionConfig()
    fused = score_fused(voice, face, config, fusion)
    pairs = draw_pairs(voice.labels, face.labels, 5, config.seed)
    assert len(fused.labels) == 10
    for row, (clip, picture) in enumerate(pairs):
        wanted = fuse(voice.scores[clip], face.scores[picture], fusion)
        np.testing.assert_allclose(fused.scores[row], wanted)
        assert fused.labels[row] == voice.labels[clip] == face.labels[picture]
        assert fused.names[row] == f"1-{clip} + 2-{picture}"
    np.testing.assert_array_equal(fused.parts, pairs)


def test_judged_by_what_most_voters_saw(tmp_path: Path) -> None:
    """Scores are kept and labels are FER+'s, of the pictures that have a majority."""
    header = "split,image,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    votes = f"{header}\ntest,2-0,0,9,0,0,1,0,0,0,0,0\ntest,2-2,4,4,0,0,0,0,0,0,0,0\n"
    (tmp_path / "ferplus_votes.csv").write_text(votes)
    (tmp_path / "test").mkdir()
    face = of_labels([0, 0, 3], seed=2)
    for root in (tmp_path, tmp_path / "test"):
        judged = by_majority(face, EvalConfig(fer_test_root=root))
        np.testing.assert_array_equal(judged.scores, face.scores[:1])
        assert (judged.labels.tolist(), judged.names) == ([3], ("2-0",))
    with pytest.raises(DataError, match="for none of the pictures"):
        by_majority(of_labels([0], seed=3), EvalConfig(fer_test_root=tmp_path))


def test_no_votes_no_majority(tmp_path: Path) -> None:
    """Where the votes are not beside the pictures, that is what the error says."""
    with pytest.raises(DataError, match=r"ferplus_votes\.csv is neither"):
        by_majority(of_labels([0], seed=1), EvalConfig(fer_test_root=tmp_path))


def test_no_common_class_cannot_be_fused() -> None:
    """A clip and a picture of different classes make no pair, and the error says so."""
    with pytest.raises(DataError, match="of one class"):
        score_fused(of_labels([0], seed=1), of_labels([1], seed=2), EvalConfig(), FusionConfig())


def test_the_broken_share_is_of_the_files_opened() -> None:
    """1 broken beside 3 scored is a quarter; beside 19 others opened it is a twentieth."""
    assert of_labels([0, 1, 2], seed=0, broken=1).broken_share == 0.25
    assert of_labels([0, 1, 2], seed=0, broken=1, opened=20).broken_share == 0.05


def test_numbers_are_listed_in_runs() -> None:
    """Runs of three and more are written with a dash."""
    assert listed([3, 2, 1, 7, 8, 20]) == "1-3, 7, 8, 20"
