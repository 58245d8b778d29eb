"""One cycle of learning of a voice network, and how well it does on clips that were held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from models.emotions import EMOTIONS
from models.training import TrainingState, averaged_copy
from models.voice.batches import BatchMaker, mask_time, mixup
from models.voice.clips import Clip
from models.voice.features import SILENCE_RMS, Mfcc
from models.voice.network import VoiceNetwork
from models.voice.speech import voiced_windows


@dataclass(frozen=True)
class Phase:
    """A cycle of learning: the rate rises to its peak and falls to nothing.

    Attributes:
        steps: of it.
        peak_learning_rate: reached after the recipe's ``warmup_share`` of them.
        averaging_decay: of the running average of weights, which is what is left in the end.
        first_seed: of its steps, so that no phase draws what another did.
    """

    steps: int
    peak_learning_rate: float
    averaging_decay: float
    first_seed: int = 0


@dataclass(frozen=True)
class Checkpoint:
    """Where a phase is kept while it lasts, and of what run it is; see ``TrainingState``."""

    path: Path
    identity: str


def run_phase(
    phase: Phase,
    network: VoiceNetwork,
    batches: BatchMaker,
    validation: Sequence[Clip],
    checkpoint: Checkpoint,
) -> None:
    """Train ``network`` for a phase, from its checkpoint on; leave it with the averaged weights.

    Raises:
        CheckpointError: the checkpoint is of another run.
    """
    recipe = batches.recipe
    averaged = averaged_copy(network, phase.averaging_decay)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=phase.peak_learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        phase.peak_learning_rate,
        total_steps=phase.steps,
        # Of one step to warm up in, OneCycleLR would divide zero by zero.
        pct_start=max(recipe.warmup_share, 2 / phase.steps) if phase.steps > 3 else 0.1,
    )
    state = TrainingState(network, averaged, optimizer, schedule, checkpoint.identity)
    first_step = state.resume(checkpoint.path)

    progress = tqdm(range(first_step, phase.steps), initial=first_step, total=phase.steps)
    for step in progress:
        # Seeded anew at each step, dropout too, so that a run that was stopped ends the same.
        seed = phase.first_seed + step
        rng = np.random.default_rng((recipe.seed, seed))
        torch.manual_seed(recipe.seed * 1_000_000 + seed)
        mfcc, targets = _draw(batches, rng)
        network.train()
        loss = functional.cross_entropy(
            network(mfcc), targets, label_smoothing=recipe.label_smoothing
        )
        state.step(loss, largest_gradient=1.0)
        if step % 20 == 0:
            progress.set_postfix(loss=f"{loss.item():.3f}")
        if (step + 1) % 250 == 0 or step + 1 == phase.steps:
            state.save(checkpoint.path, step + 1)
            by_clip, by_window = evaluate(averaged, validation)
            tqdm.write(f"step {step + 1}: held-out clips {by_clip:.3f}, windows {by_window:.3f}")
    network.load_state_dict(averaged.module.state_dict())


def _draw(batches: BatchMaker, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Return MFCC, (batch, frames, 40), and targets, (batch, 7): masked, mixed, often cut short."""
    recipe = batches.recipe
    mfcc_array, labels = batches.draw(rng, recipe.equipment_share)
    mfcc = torch.from_numpy(mfcc_array)
    targets = functional.one_hot(torch.from_numpy(labels), len(EMOTIONS)).float()
    mask_time(mfcc, rng, recipe.longest_mask_frames)
    mfcc, targets = mixup(mfcc, targets, rng, recipe.mixup_alpha)
    if rng.random() < recipe.short_share:
        mfcc = mfcc[:, : int(rng.integers(mfcc.shape[1] // 2 + 1, mfcc.shape[1] + 1))]
    return mfcc, targets


def evaluate(network: nn.Module, clips: Sequence[Clip]) -> tuple[float, float]:
    """Return top-1 accuracy of whole clips, by the mean of their windows, and of windows."""
    network.eval()
    mfcc = Mfcc()
    clip_hits, window_hits = [], []
    with torch.inference_mode():
        for clip in clips:
            windows = voiced_windows(clip.versions[0], SILENCE_RMS)
            logits = [network(torch.from_numpy(mfcc(window[None]))) for window in windows]
            scores = torch.cat(logits).softmax(1)
            window_hits.extend((scores.argmax(1) == clip.label).tolist())
            clip_hits.append(int(scores.mean(0).argmax()) == clip.label)
    return float(np.mean(clip_hits)), float(np.mean(window_hits))
