"""Batches for the face network: pictures altered as live crops are, some of them blended."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from models.face.augment import augment
from models.face.recipe import FaceTraining
from models.face.training_data import Lessons


def batches(
    recipe: FaceTraining, lessons: Lessons, epoch: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield an epoch's altered pictures and what is wanted of a ``Learner``, shape (batch, 17).

    Seeded anew in each epoch, so that a run that was stopped ends as one that was not.
    """
    images = torch.from_numpy(lessons.training.images).unsqueeze(1)
    targets = torch.cat([lessons.targets, lessons.votes], dim=1)
    generator = torch.Generator().manual_seed(recipe.seed * 10_000 + epoch)
    order = torch.randperm(len(images), generator=generator)
    for step in range(len(images) // recipe.batch_size):
        rows = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
        batch = augment(images[rows].float().div(255), generator, recipe.augmentation)
        wanted = targets[rows]
        if torch.rand(1, generator=generator) < recipe.mixup_share:
            batch, wanted = mixup(batch, wanted, generator, recipe.mixup_alpha)
        yield batch, wanted


def mixup(
    batch: torch.Tensor, targets: torch.Tensor, generator: torch.Generator, alpha: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Blend a batch with itself in another order, all by one share, which is Beta-distributed."""
    seed = int(torch.randint(2**31, (1,), generator=generator))
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    other = torch.randperm(len(batch), generator=generator)
    return (
        share * batch + (1 - share) * batch[other],
        share * targets + (1 - share) * targets[other],
    )
