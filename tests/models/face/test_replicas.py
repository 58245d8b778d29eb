"""Replicas learn together what one network would learn alone."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from models.face.replicas import Replicas


@pytest.fixture
def network() -> nn.Module:
    """Give a small network without batch statistics, which the shares would see apart."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3))


def lesson(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(count)
    batch = torch.randn(count, 5, generator=rng)
    return batch, torch.rand(count, 3, generator=rng).softmax(1)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("rows", [4, 8])
def test_gradient_of_the_whole(network: nn.Module, count: int, rows: int):
    """However a batch is shared, even unevenly, gradient and loss are those of the whole batch."""
    batch, targets = lesson(rows)
    alone = copy.deepcopy(network)
    wanted = functional.cross_entropy(alone(batch), targets)
    wanted.backward()
    with Replicas(network, count, functional.cross_entropy) as replicas:
        for _ in range(2):  # the second time nothing of the first may be left
            loss = replicas.backward(batch, targets)
    assert loss == pytest.approx(wanted.item(), rel=1e-5)
    for one, other in zip(network.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_one_set_of_weights(network: nn.Module):
    """A step taken with the network's weights is taken by all replicas."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    batch, targets = lesson(6)
    with Replicas(network, 2, functional.cross_entropy) as replicas:
        replicas.backward(batch, targets)
        optimizer.step()
        first, second = replicas.networks
        torch.testing.assert_close(first(batch), second(batch), rtol=0, atol=0)


def test_more_replicas_than_rows(network: nn.Module):
    """A batch that cannot be shared by all is refused."""
    shared = Replicas(network, 3, functional.cross_entropy)
    with shared as replicas, pytest.raises(ValueError, match="2 rows"):
        replicas.backward(*lesson(2))
