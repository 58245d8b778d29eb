"""Batches for the voice network: windows of clips as they might come live, masked and mixed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from models.emotions import EMOTIONS
from models.voice.augment import cut_window, degrade
from models.voice.clips import Clip
from models.voice.features import WINDOW_SAMPLES, Mfcc
from models.voice.recipe import VoiceTraining


class BatchMaker:
    """Draws training batches: corpus, then class, then clip, then a window of it."""

    def __init__(self, clips: Sequence[Clip], recipe: VoiceTraining) -> None:
        self.recipe = recipe
        self.mfcc = Mfcc()
        names = sorted({clip.corpus for clip in clips})
        others = max(1, len(names) - 1)
        weights = [
            recipe.ravdess_share if name == "ravdess" else (1 - recipe.ravdess_share) / others
            for name in names
        ]
        self._weights = np.array(weights) / sum(weights)
        self._shelves = [
            [shelf for label in range(len(EMOTIONS)) if (shelf := [
                clip for clip in clips if clip.corpus == name and clip.label == label
            ])]
            for name in names
        ]  # fmt: skip

    def draw(
        self, rng: np.random.Generator, equipment_share: float
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Return MFCC, float32, shape (batch, 101, 40), and labels, int64, shape (batch,).

        Args:
            rng: decides everything.
            equipment_share: see ``degrade``.
        """
        windows = np.zeros((self.recipe.batch_size, WINDOW_SAMPLES), np.float32)
        labels = np.zeros(self.recipe.batch_size, np.int64)
        for row in range(self.recipe.batch_size):
            shelves = self._shelves[rng.choice(len(self._shelves), p=self._weights)]
            shelf = shelves[rng.integers(len(shelves))]
            clip = shelf[rng.integers(len(shelf))]
            version = clip.versions[rng.integers(len(clip.versions))]
            window = cut_window(version, rng, self.recipe.speed_range)
            windows[row] = degrade(window, rng, equipment_share)
            labels[row] = clip.label
        return self.mfcc(windows), labels


def mask_time(mfcc: torch.Tensor, rng: np.random.Generator, longest: int) -> None:
    """Replace a stretch of frames by the window's mean, in place (Park et al. 2019)."""
    for row in range(len(mfcc)):
        length = int(rng.integers(0, longest + 1))
        start = int(rng.integers(0, mfcc.shape[1] - length))
        mfcc[row, start : start + length] = mfcc[row].mean(0)


def mixup(
    mfcc: torch.Tensor, targets: torch.Tensor, rng: np.random.Generator, alpha: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Blend each example with another of the batch (Zhang et al., ICLR 2018)."""
    share = torch.from_numpy(rng.beta(alpha, alpha, len(mfcc)).astype(np.float32))
    share = torch.maximum(share, 1 - share)
    other = torch.from_numpy(rng.permutation(len(mfcc)))
    wide, flat = share.view(-1, 1, 1), share.view(-1, 1)
    return wide * mfcc + (1 - wide) * mfcc[other], flat * targets + (1 - flat) * targets[other]
