"""Training the face network on self-made pictures: it runs, and a stop changes nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import partialmethod
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from models.emotions import EMOTIONS
from models.face.fer2013 import FaceImages
from models.face.learner import Learner
from models.face.network import FaceNetwork
from models.face.recipe import FaceTraining
from models.face.train import main, optimizer_of, top1_and_balanced, train
from models.face.trained import correct_prior, in_half_precision
from models.face.training_data import TargetMix, hold_out, read_lessons, soft_targets
from models.training import TrainingState

# 7 classes of 4 pictures, one in twenty held out, in batches of 9: three steps an epoch.
RECIPE = FaceTraining(schedule=((48, 1), (64, 1)), batch_size=9, mixup_share=0.5)
PER_CLASS = 4


@pytest.fixture(scope="module")
def fer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give folders in the layout of FER-2013 with patterns in the place of faces."""
    root = tmp_path_factory.mktemp("fer")
    rng = np.random.default_rng(0)
    for split, count in (("train", PER_CLASS), ("test", 1)):
        for emotion in EMOTIONS:
            folder = root / split / emotion
            folder.mkdir(parents=True)
            for number in range(count):
                coarse = rng.integers(0, 256, (6, 6), dtype=np.uint8)
                picture = cv2.resize(coarse, (48, 48), interpolation=cv2.INTER_CUBIC)
                assert cv2.imwrite(str(folder / f"Training_{emotion}{number}.jpg"), picture)
    header = "split,image,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    votes = "train,Training_happy0.jpg,5,5,0,0,0,0,0,0,0,0"
    (root / "ferplus_votes.csv").write_text(f"{header}\n{votes}\n")
    return root


def run(recipe: FaceTraining, fer: Path, checkpoint: Path) -> FaceNetwork:
    """Train a network from random weights, as the command does from pretrained ones."""
    lessons = read_lessons(fer, recipe.targets)
    torch.manual_seed(recipe.seed)
    network = FaceNetwork()
    train(recipe, network, lessons, checkpoint)
    return network


def test_six_steps(fer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Two epochs of three steps change every weight, leave a checkpoint, and say how good it is."""
    checkpoint = tmp_path / "runs" / "face.pt"
    network = run(RECIPE, fer, checkpoint)
    torch.manual_seed(RECIPE.seed)
    start = dict(FaceNetwork().named_parameters())
    for name, trained in network.named_parameters():
        assert trained.isfinite().all(), name
        assert not torch.equal(trained, start[name]), name
    saved = torch.load(checkpoint, weights_only=True)
    assert saved["done"] == 2
    assert saved["averaged"]["n_averaged"] == 6
    assert [path.name for path in checkpoint.parent.iterdir()] == ["face.pt"]
    assert "epoch 2: held-out top-1" in capsys.readouterr().out


def test_seed_fixes_the_run(fer: Path, tmp_path: Path):
    """The same seed gives the same weights, another seed others."""
    recipe = replace(RECIPE, schedule=((48, 1),))
    once = run(recipe, fer, tmp_path / "a.pt").state_dict()
    again = run(recipe, fer, tmp_path / "b.pt").state_dict()
    other = run(replace(recipe, seed=1), fer, tmp_path / "c.pt").state_dict()
    assert all(torch.equal(once[name], again[name]) for name in once)
    name = "backbone.classifier.weight"
    assert not torch.equal(once[name], other[name])


class Stopped(Exception):  # noqa: N818  it is no error
    """Stands for a crash right after a checkpoint."""


def test_resumed(fer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Stopping after an epoch and going on gives the weights that not stopping gives."""
    whole = run(RECIPE, fer, tmp_path / "whole.pt").state_dict()

    save = TrainingState.save

    def save_and_stop(state: TrainingState, path: Path, done: int) -> None:
        save(state, path, done)
        raise Stopped

    monkeypatch.setattr(TrainingState, "save", save_and_stop)
    with pytest.raises(Stopped):
        run(RECIPE, fer, tmp_path / "stopped.pt")
    monkeypatch.undo()
    resumed = run(RECIPE, fer, tmp_path / "stopped.pt").state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def split_of(levels: list[int], labels: list[int]) -> FaceImages:
    images = np.stack([np.full((48, 48), level, np.uint8) for level in levels])
    names = tuple(f"{row}.jpg" for row in range(len(levels)))
    return FaceImages(names, images, np.array(labels, np.int64), ())


def test_targets_by_hand():
    """A target is the smoothed label, and where people voted, in part their votes."""
    votes = {
        "1.jpg": np.array([0, 0, 0, 0.4, 0.4, 0, 0, 0.2, 0, 0], np.float32),
        "2.jpg": np.array([0, 0, 0, 0, 0, 0, 0, 0, 1, 0], np.float32),  # for none of ours
    }
    mix = TargetMix(label_smoothing=0.07, votes_weight=0.5)
    targets = soft_targets(split_of([0, 1, 2], [0, 3, 6]), votes, mix)
    wanted = [
        [0.94, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01],
        [0.005, 0.005, 0.005, 0.72, 0.255, 0.005, 0.005],
        [0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.94],
    ]
    np.testing.assert_allclose(targets.numpy(), wanted, atol=1e-6)
    assert targets.dtype == torch.float32


def test_schedule():
    """Each part of the schedule gives as many epochs their working size."""
    recipe = FaceTraining(schedule=((64, 2), (96, 1)))
    assert recipe.epochs == 3
    assert [recipe.size_in(epoch) for epoch in range(3)] == [64, 64, 96]


def test_copies_stay_on_one_side():
    """Pictures with the same pixels are all held out or all trained on, and none is lost."""
    split = split_of([row // 2 for row in range(80)], [0] * 80)
    training, validation = hold_out(split, share=0.25, seed=0)
    held = {int(image[0, 0]) for image in validation.images}
    assert len(held) == 10
    assert len(validation) == 20
    assert not held & {int(image[0, 0]) for image in training.images}
    assert len(training) == 60


def test_other_seed_holds_out_others():
    """The seed decides which pictures are held out."""
    split = split_of(list(range(80)), [0] * 80)
    names = [hold_out(split, share=0.25, seed=seed)[1].names for seed in (0, 0, 1)]
    assert names[0] == names[1] != names[2]


def test_top1_by_hand():
    """Accuracy is over pictures; balanced accuracy is the mean over the classes that occur."""

    class BrightIsHappy(torch.nn.Module):
        """Sees "happy" in bright pictures and "angry" in others."""

        def forward(self, grey: torch.Tensor) -> torch.Tensor:
            bright = grey.mean((1, 2, 3)) > 0.5
            return torch.nn.functional.one_hot(bright * 3, 7).float()

    split = split_of([255, 255, 255, 0, 0, 255], [3, 3, 3, 3, 0, 5])
    accuracy, balanced = top1_and_balanced(BrightIsHappy(), split, torch.device("cpu"))
    assert accuracy == pytest.approx(4 / 6)
    assert balanced == pytest.approx((3 / 4 + 1 + 0) / 3)


def test_prior_correction():
    """Full correction takes the log of each class's share off its logit; none changes nothing."""
    network = FaceNetwork().eval()
    picture = torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    shares = torch.tensor([1, 2, 3, 4, 5, 6, 7]) / 28
    targets = torch.stack([shares, shares])
    with torch.inference_mode():
        before = network(picture)
        correct_prior(network, targets, 0.0)
        torch.testing.assert_close(network(picture), before)
        correct_prior(network, targets, 1.0)
        torch.testing.assert_close(network(picture), before - shares.log())


def test_half_precision():
    """Weights lose half their bytes; one too large for that is refused by name."""
    network = FaceNetwork()
    weights = in_half_precision(network)
    assert {w.dtype for w in weights.values()} == {torch.float16, torch.int64}
    network.backbone.bn1.running_var.fill_(70_000.0)
    with pytest.raises(ValueError, match=r"bn1\.running_var does not fit"):
        in_half_precision(network)


def test_held_out_pictures_do_not_depend_on_the_recipe(fer: Path):
    """Whatever the run, the same pictures stay unseen: calibration relies on them."""
    names = [read_lessons(fer, TargetMix(votes_weight=w)).validation.names for w in (0.1, 0.3)]
    assert names[0] == names[1]
    assert names[0]


def test_votes_go_with_their_pictures(fer: Path):
    """The one picture that people voted on has its votes, all others have none."""
    lessons = read_lessons(fer, TargetMix())
    assert lessons.votes.shape == (len(lessons.training), 10)
    names = lessons.training.names
    voted = [name for name, votes in zip(names, lessons.votes, strict=True) if votes.any()]
    assert voted == ["Training_happy0.jpg"]
    row = names.index("Training_happy0.jpg")
    assert lessons.votes[row].tolist() == [0, 0, 0, 0.5, 0.5, 0, 0, 0, 0, 0]


def test_what_begins_with_nothing_learns_faster():
    """What is known has the recipe's rate; all else, each parameter once, has a higher one."""
    learner = Learner(FaceNetwork(), 0.0)
    known = list(learner.network.parameters())
    optimizer, schedule = optimizer_of(RECIPE, learner, known, steps_per_epoch=3)
    old, new = optimizer.param_groups
    assert {id(p) for p in old["params"]} == {id(p) for p in known}
    assert {id(p) for p in new["params"]} == {id(p) for p in learner.votes.parameters()}
    rates = []
    for _ in range(RECIPE.epochs * 3 - 1):
        rates.append(schedule.get_last_lr())
        optimizer.step()
        schedule.step()
    highest, highest_new = np.max(rates, axis=0)
    assert highest == pytest.approx(RECIPE.peak_learning_rate, rel=0.2)
    assert highest_new == pytest.approx(highest * RECIPE.new_rate)


def test_too_few_pictures(tmp_path: Path):
    """A folder without pictures is refused with what it must hold."""
    for emotion in EMOTIONS:
        for split in ("train", "test"):
            (tmp_path / split / emotion).mkdir(parents=True)
    with pytest.raises(ValueError, match="at least 20 are needed"):
        read_lessons(tmp_path, TargetMix())


def test_command_goes_on_from_weights(
    fer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The command begins with the weights it is given and writes others in their form."""
    monkeypatch.setattr(
        FaceTraining, "__init__", partialmethod(FaceTraining.__init__, batch_size=9)
    )
    start, out = tmp_path / "start.pt", tmp_path / "out.pt"
    torch.manual_seed(1)
    torch.save(in_half_precision(FaceNetwork()), start)
    flags = ["--fer", fer, "--start", start, "--schedule", "48x1", "--out", out]
    status = main([str(flag) for flag in (*flags, "--checkpoint", tmp_path / "run.pt")])
    assert status == 0, capsys.readouterr().err
    before, after = torch.load(start, weights_only=True), torch.load(out, weights_only=True)
    assert before.keys() == after.keys()
    name = "backbone.conv_stem.weight"
    assert after[name].dtype == torch.float16
    moved = (after[name].float() - before[name].float()).abs().mean()
    assert 0 < moved < 0.1 * before[name].float().abs().mean()


def test_start_that_holds_no_face_network(
    fer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Weights of something else, or no weights at all, are named in one line."""
    start, out = tmp_path / "start.pt", ("--out", str(tmp_path / "out.pt"))
    for content in ({"weight": torch.zeros(3)}, [1, 2]):
        torch.save(content, start)
        assert main(["--fer", str(fer), "--start", str(start), *out]) == 1
        assert capsys.readouterr().err.splitlines()[-1] == (
            f"error: {start} does not hold the weights of a face network"
        )
    assert main(["--fer", str(fer), "--start", str(tmp_path / "absent.pt"), *out]) == 1
    assert "absent.pt" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "64", "64x", "64x0", "0x3", "64x6;96x4", "64x-1"])
def test_no_schedule(text: str, capsys: pytest.CaptureFixture[str]):
    """A schedule that cannot be read is refused with an example of one that can."""
    with pytest.raises(SystemExit):
        main(["--fer", "F", "--start", "S", "--schedule", text])
    assert "such as 64x6,96x4" in capsys.readouterr().err
