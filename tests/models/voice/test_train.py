"""Training the voice network on self-made sound: it runs, and a stop in between changes nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.training import CheckpointError, TrainingState
from models.voice.clips import Clip
from models.voice.network import VoiceNetwork
from models.voice.recipe import VoiceTraining
from models.voice.train import go_on, train
from tests.models.voice.hummed import hummed_clips

RECIPE = VoiceTraining(steps=6, batch_size=4)


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return hummed_clips()


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
    assert {path.name for path in checkpoint.parent.iterdir()} == {"voice.pt", "voice_second.pt"}
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


@pytest.mark.parametrize(("stop_after", "kept_name"), [(3, "kept.pt"), (8, "kept_second.pt")])
def test_resumed(
    clips: list[Clip],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stop_after: int,
    kept_name: str,
):
    """Going on from a checkpoint, of either phase, gives what going on without a stop gives."""
    recipe = replace(RECIPE, second_share=0.5)
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


def test_second_cycle_alone(clips: list[Clip], tmp_path: Path):
    """Weights that know something are moved, a little, and only from themselves gone on from."""
    torch.manual_seed(1)
    network = VoiceNetwork(drop_rate=RECIPE.drop_rate)
    before = {name: weight.clone() for name, weight in network.named_parameters()}
    go_on(RECIPE, network, clips, clips[:1], tmp_path / "voice.pt")
    moved = [
        (weight - before[name]).abs().max().item() for name, weight in network.named_parameters()
    ]
    assert 0 < max(moved) < 0.01
    assert [path.name for path in tmp_path.iterdir()] == ["voice_second.pt"]
    with pytest.raises(CheckpointError):  # these are other weights by now
        go_on(RECIPE, network, clips, clips[:1], tmp_path / "voice.pt")
