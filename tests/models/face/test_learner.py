"""A learner has two heads; what it drops is its own business, and only in training."""

from __future__ import annotations

import math

import pytest
import torch

from models.face.learner import Learner, loss_of
from models.face.network import FaceNetwork
from models.face.trained import lean_on_votes


@pytest.fixture
def learner() -> Learner:
    torch.manual_seed(0)
    made = Learner(FaceNetwork(), drop_rate=0.5)
    torch.nn.init.normal_(made.network.backbone.classifier.weight)
    torch.nn.init.normal_(made.votes.weight)
    return made


def test_first_head_is_the_network(learner: Learner):
    """Evaluated, its first seven outputs are the network's own, and ten more follow."""
    pictures = torch.rand(3, 1, 48, 48)
    learner.eval()
    with torch.inference_mode():
        outputs = learner(pictures)
        torch.testing.assert_close(outputs[:, :7], learner.network(pictures))
    assert outputs.shape == (3, 17)


def test_seed_fixes_what_is_dropped(learner: Learner):
    """One seed drops the same features twice, another drops others."""
    pictures = torch.rand(4, 1, 48, 48)

    def outputs(seed: int) -> torch.Tensor:
        learner.begin_epoch(48, seed)
        with torch.no_grad():
            return learner(pictures)

    torch.testing.assert_close(outputs(1), outputs(1), rtol=0, atol=0)
    assert not torch.allclose(outputs(1), outputs(2))
    assert learner.training
    assert learner.network.working_size == 48


def test_leaning_on_votes(learner: Learner):
    """The labels' logits get their share of the votes' for our emotions, and no others change."""
    pictures = torch.rand(3, 1, 48, 48)
    learner.eval()
    with torch.inference_mode():
        before = learner(pictures)
        lean_on_votes(learner, 0.5)
        after = learner(pictures)
    torch.testing.assert_close(after[:, :7], before[:, :7] + 0.5 * before[:, 7:14])
    torch.testing.assert_close(after[:, 7:], before[:, 7:])


def test_loss_by_hand():
    """Outputs that know nothing cost log 7 and a share of log 10; without votes, log 7 alone."""
    wanted = torch.zeros(2, 17)
    wanted[:, 3] = 1
    wanted[:, 7] = 1
    nothing = torch.zeros(2, 17)
    both = math.log(7) + 0.5 * math.log(10)
    assert loss_of(nothing, wanted, 0.5).item() == pytest.approx(both)
    wanted[:, 7] = 0
    assert loss_of(nothing, wanted, 0.5).item() == pytest.approx(math.log(7))
