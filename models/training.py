"""What both trainers share: steps, the running average, checkpoints, and where a run begins."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


class CheckpointError(RuntimeError):
    """A checkpoint is of another run; the message names it and says what to do."""


@dataclass(frozen=True)
class TrainingState:
    """All that a run needs to go on from where it was stopped, and the step that advances it.

    Attributes:
        identity: says in words what the run is made of: recipe, seed, data. A checkpoint of a run
            with another identity is refused.
    """

    network: nn.Module
    averaged: AveragedModel
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    identity: str

    def step(self, loss: torch.Tensor, largest_gradient: float) -> None:
        """Take one step down the gradient of ``loss``, its norm cut to ``largest_gradient``."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.advance(largest_gradient)

    def advance(self, largest_gradient: float) -> None:
        """Take one step down the gradient that is there, its norm cut to ``largest_gradient``."""
        nn.utils.clip_grad_norm_(self.network.parameters(), largest_gradient)
        self.optimizer.step()
        self.schedule.step()
        self.averaged.update_parameters(self.network)

    def save(self, path: Path, done: int) -> None:
        """Write a checkpoint after ``done`` steps or epochs; a crash leaves the previous one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        torch.save({**parts, "done": done, "identity": self.identity}, partial)
        partial.replace(path)

    def resume(self, path: Path) -> int:
        """Take over a checkpoint and return how much it had done; 0 where there is none.

        Raises:
            CheckpointError: it is of a run with another recipe, seed or data.
        """
        if not path.exists():
            return 0
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if saved.get("identity") != self.identity:
            raise CheckpointError(
                f"{path} is of another run ({saved.get('identity')}); remove it, or name another "
                "place for checkpoints"
            )
        for name, part in self._parts().items():
            part.load_state_dict(saved[name])
        return int(saved["done"])

    def _parts(self) -> dict[str, Any]:
        return {
            "network": self.network,
            "averaged": self.averaged,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
        }


def averaged_copy(network: nn.Module, decay: float) -> AveragedModel:
    """Return a copy that follows the network's weights and statistics as an exponential average."""
    average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(network, multi_avg_fn=average, use_buffers=True)


def begin_with(network: nn.Module, weights: Path) -> None:
    """Load weights that training wrote into ``network``.

    Raises:
        OSError: they cannot be read.
        ValueError: they are of something else.
    """
    try:
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    except (EOFError, LookupError, RuntimeError, TypeError, pickle.UnpicklingError) as error:
        kind = type(network).__name__.removesuffix("Network").lower()
        raise ValueError(f"{weights} does not hold the weights of a {kind} network") from error


def checksum(network: nn.Module) -> int:
    """Return a number that tells the weights that a run begins with from others."""
    total = 0
    for tensor in network.state_dict().values():
        total = zlib.crc32(tensor.cpu().contiguous().numpy().tobytes(), total)
    return total


def between(
    earlier: Mapping[str, torch.Tensor], later: Mapping[str, torch.Tensor], share: float
) -> dict[str, torch.Tensor]:
    """Return ``share`` of the earlier weights and the rest of the later ones, both state dicts.

    Raises:
        ValueError: ``share`` is outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share of the earlier network must be in [0, 1], not {share}")
    return {
        name: torch.lerp(tensor.float(), earlier[name].float(), share)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in later.items()
    }
