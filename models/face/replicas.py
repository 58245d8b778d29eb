"""One training step on several cores: each works through its own share of the batch.

Two threads that share every layer of a small network spend a third of their time waiting for each
other; two that each take half of the batch through all layers hardly wait at all.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import torch
from torch import nn

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Replicas:
    """Copies of a network that share its weights and each have gradients of their own.

    Batch normalisation sees one share at a time; the network's running statistics follow the
    first. A network that draws random numbers in ``forward`` needs a generator of its own, or runs
    differ.

    Attributes:
        networks: the network itself, then its copies.
    """

    def __init__(self, network: nn.Module, count: int, loss: Loss) -> None:
        """Make ``count`` - 1 copies; to be entered as a context, which owns the threads.

        ``loss`` is a mean over rows, of outputs and what is wanted of them.
        """
        copies = [copy.deepcopy(network) for _ in range(count - 1)]
        for replica in copies:
            for own, shared in zip(replica.parameters(), network.parameters(), strict=True):
                own.data = shared.data
        self.networks: list[nn.Module] = [network, *copies]
        self._loss = loss
        self._threads = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.shutdown()

    def backward(self, batch: torch.Tensor, targets: torch.Tensor) -> float:
        """Leave the gradient of the mean loss in the network; return the loss.

        Args:
            batch: what the network takes, at least a row for each replica.
            targets: what the loss takes, as many rows.

        Raises:
            ValueError: there are fewer rows than replicas.
        """
        count = len(self.networks)
        if len(batch) < count:
            raise ValueError(f"{len(batch)} rows cannot be shared by {count} replicas")
        parts, wanted = batch.tensor_split(count), targets.tensor_split(count)
        weights = [len(part) / len(batch) for part in parts]
        shares = self.networks, parts, wanted, weights
        losses = list(self._threads.map(self._leave_gradient, *shares))
        first, *others = (list(network.parameters()) for network in self.networks)
        for other in others:
            for total, part in zip(first, other, strict=True):
                if total.grad is not None and part.grad is not None:
                    total.grad += part.grad
        return sum(losses)

    def _leave_gradient(
        self, replica: nn.Module, batch: torch.Tensor, targets: torch.Tensor, weight: float
    ) -> float:
        replica.zero_grad(set_to_none=True)
        loss = self._loss(replica(batch), targets) * weight
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.item())
