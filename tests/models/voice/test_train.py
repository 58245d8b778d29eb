"""Training the voice network on self-made sound: it runs, and a stop in between changes nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from models.emotions import EMOTIONS
from models.training import CheckpointError, TrainingState
from models.voice.corpora import nemo, ravdess
from models.voice.features import SAMPLE_RATE_HZ
from models.voice.network import VoiceNetwork
from models.voice.train import (
    BatchMaker,
    Clip,
    VoiceTraining,
    evaluate,
    load_clips,
    mask_time,
    mixup,
    train,
    trim_silence,
)

RECIPE = VoiceTraining(steps=6, batch_size=4)


def hum(pitch_hz: float, seconds: float = 1.3) -> np.ndarray:
    time_s = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (0.3 * np.sign(np.sin(2 * np.pi * pitch_hz * time_s))).astype(np.float32)


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    """Return one clip a class and corpus; each class hums at a pitch of its own."""
    return [
        Clip(corpus, "1", label, (hum(100 + 60 * label),))
        for corpus in ("ravdess", "tess")
        for label in range(len(EMOTIONS))
    ]


def test_six_steps(clips: list[Clip], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Six steps, and one more to adapt, change every weight, leave a checkpoint of each phase, and
    say how good the result is.
    """
    checkpoint = tmp_path / "runs" / "voice.pt"
    network = train(RECIPE, clips, clips[:7], checkpoint)
    torch.manual_seed(RECIPE.seed)
    start = dict(VoiceNetwork(drop_rate=RECIPE.drop_rate).named_parameters())
    for name, trained in network.named_parameters():
        assert trained.isfinite().all(), name
        # A shift of all attention alike changes no softmax, so it is not learned.
        assert name == "attention.bias" or not torch.equal(trained, start[name]), name
    assert network.deviation.min() > 0
    assert not torch.equal(network.mean, torch.zeros(40))
    assert torch.load(checkpoint, weights_only=True)["done"] == 6
    assert {path.name for path in checkpoint.parent.iterdir()} == {"voice.pt", "voice_adapted.pt"}
    said = capsys.readouterr().out
    assert "step 6: held-out clips" in said
    assert "step 1: held-out clips" in said


def test_seed_fixes_the_run(clips: list[Clip], tmp_path: Path):
    """The same seed gives the same weights, another seed others."""
    once = train(RECIPE, clips, clips[:1], tmp_path / "a.pt").state_dict()
    again = train(RECIPE, clips, clips[:1], tmp_path / "b.pt").state_dict()
    other = train(replace(RECIPE, seed=1), clips, clips[:1], tmp_path / "c.pt").state_dict()
    assert all(torch.equal(once[name], again[name]) for name in once)
    assert not torch.equal(once["classifier.1.weight"], other["classifier.1.weight"])


@pytest.mark.parametrize(("stop_after", "kept_name"), [(3, "kept.pt"), (8, "kept_adapted.pt")])
def test_resumed(
    clips: list[Clip],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stop_after: int,
    kept_name: str,
):
    """Going on from a checkpoint, of either phase, gives what going on without a stop gives."""
    recipe = replace(RECIPE, adapting_share=0.5)
    kept = tmp_path / "kept.pt"
    step, done = TrainingState.step, 0

    def step_and_keep(state: TrainingState, loss: torch.Tensor, largest_gradient: float) -> None:
        nonlocal done
        step(state, loss, largest_gradient)
        done += 1
        if done == stop_after:
            state.save(tmp_path / kept_name, done if done <= recipe.steps else done - recipe.steps)

    monkeypatch.setattr(TrainingState, "step", step_and_keep)
    whole = train(recipe, clips, clips[:1], tmp_path / "whole.pt").state_dict()
    if stop_after > recipe.steps:
        shutil.copy(tmp_path / "whole.pt", kept)
    resumed = train(recipe, clips, clips[:1], kept).state_dict()
    assert done == 9 + 9 - stop_after
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_finished_run(clips: list[Clip], tmp_path: Path):
    """Going on from a run that was finished gives its weights again."""
    checkpoint = tmp_path / "voice.pt"
    whole = train(RECIPE, clips, clips[:1], checkpoint).state_dict()
    again = train(RECIPE, clips, clips[:1], checkpoint).state_dict()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_checkpoint_of_another_run(clips: list[Clip], tmp_path: Path):
    """A checkpoint of another recipe or other speakers is refused and named, not gone on from."""
    checkpoint = tmp_path / "voice.pt"
    train(replace(RECIPE, steps=2), clips, clips[:1], checkpoint)
    with pytest.raises(CheckpointError, match=r"voice\.pt is of another run .*remove it"):
        train(RECIPE, clips, clips[:1], checkpoint)
    fewer = [replace(clip, speaker="2") for clip in clips]
    with pytest.raises(CheckpointError):
        train(replace(RECIPE, steps=2), fewer, clips[:1], checkpoint)


def test_batch(clips: list[Clip]):
    """A batch has MFCC of a second each, and labels of all classes alike."""
    mfcc, labels = BatchMaker(clips, replace(RECIPE, batch_size=140)).draw(np.random.default_rng(0))
    assert mfcc.shape == (140, 101, 40)
    assert mfcc.dtype == np.float32
    assert labels.dtype == np.int64
    assert np.bincount(labels, minlength=7).min() >= 8


def test_share_of_ravdess(clips: list[Clip]):
    """RAVDESS has its share of each batch, however many clips the other corpora have."""
    others = [c for c in clips if c.corpus == "tess"] * 20
    marked = [replace(clip, label=0) for clip in others]
    own = [replace(clip, label=1) for clip in clips if clip.corpus == "ravdess"]
    recipe = replace(RECIPE, batch_size=200, ravdess_share=0.25)
    _, labels = BatchMaker(own + marked, recipe).draw(np.random.default_rng(0))
    assert labels.mean() == pytest.approx(0.25, abs=0.1)


def test_load_clips(tmp_path: Path):
    """RAVDESS, which was never coded, also gets an Opus version; silence around speech goes."""
    samples = np.concatenate([np.zeros(16_000), hum(200), np.zeros(16_000)])
    for name in ("03-01-03-01-01-01-01.wav", "TP0_anger_5.wav"):
        soundfile.write(tmp_path / name, samples, SAMPLE_RATE_HZ)
    studio, coded = load_clips([*ravdess(tmp_path), *nemo(tmp_path)], seed=0)
    assert (studio.corpus, studio.label, len(studio.versions)) == ("ravdess", 3, 2)
    assert (coded.corpus, coded.label, len(coded.versions)) == ("nemo", 0, 1)
    assert len(studio.versions[0]) == len(studio.versions[1])
    assert len(studio.versions[0]) / SAMPLE_RATE_HZ == pytest.approx(1.3 + 0.4, abs=0.06)


@pytest.mark.parametrize("length", [0, 1, 300, 16_000])
def test_trim_of_silence(length: int):
    """What holds nothing loud, or hardly anything at all, is left as it is."""
    np.testing.assert_array_equal(trim_silence(np.zeros(length, np.float32)), np.zeros(length))


def test_mask_time():
    """A stretch of frames, at most the longest allowed, becomes the window's mean."""
    lengths = []
    for seed in range(30):
        mfcc = torch.arange(101.0).view(1, 101, 1).expand(1, 101, 40).clone()
        mask_time(mfcc, np.random.default_rng(seed), longest=20)
        altered = (mfcc[0, :, 0] != torch.arange(101.0)).nonzero().flatten()
        assert (mfcc[0, altered] == 50).all()
        lengths.append(len(altered))
    assert max(lengths) <= 20
    assert max(lengths) > 10 > min(lengths)


def test_mixup():
    """Each example keeps the larger share; inputs and targets are blended alike."""
    mfcc = torch.eye(7).view(7, 1, 7).expand(7, 5, 7)
    blended, targets = mixup(mfcc, torch.eye(7), np.random.default_rng(0), alpha=0.3)
    torch.testing.assert_close(blended[:, 0], targets)
    torch.testing.assert_close(targets.sum(1), torch.ones(7))
    assert (targets.diagonal() >= 0.5).all()
    assert (targets.diagonal() < 1).any()


def test_evaluate_by_hand():
    """Accuracy of clips is that of their mean, which may differ from that of their windows."""

    class FirstCoefficient(torch.nn.Module):
        """Hears "disgust" in loud windows, strongly, and "angry" in quiet ones, weakly."""

        def forward(self, mfcc: torch.Tensor) -> torch.Tensor:
            loud = mfcc[:, :, 0].amax(1) > -400
            weak, strong = torch.zeros(7), torch.zeros(7)
            weak[0], strong[1] = 1.0, 9.0
            return torch.where(loud[:, None], strong, weak)

    quiet, loud = np.zeros(16_000, np.float32), hum(200, seconds=1.0)
    network = FirstCoefficient()
    clip = Clip("x", "1", 1, (np.concatenate([quiet, quiet, loud]),))
    by_clip, by_window = evaluate(network, [clip])
    assert by_clip == 1.0
    assert by_window == pytest.approx(2 / 5)
    short = Clip("x", "1", 0, (quiet[:4000],))
    assert evaluate(network, [clip, short]) == (1.0, pytest.approx(3 / 6))
