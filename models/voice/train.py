"""Train the shipped voice network: ``python -m models.voice.train --ravdess FOLDER``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from models.emotions import EMOTIONS
from models.training import CheckpointError, TrainingState, averaged_copy
from models.voice import corpora
from models.voice.batches import BatchMaker, mask_time, mixup
from models.voice.clips import Clip, load_clips
from models.voice.features import WINDOW_SAMPLES, Mfcc
from models.voice.network import VoiceNetwork
from models.voice.recipe import VoiceTraining

# Never trained on: these choose between runs and moments of a run ...
VALIDATION_ACTORS = frozenset({"17", "18", "19", "20"})
# ... and these are not looked at here at all.
TEST_ACTORS = frozenset({"21", "22", "23", "24"})


def evaluate(network: nn.Module, clips: Sequence[Clip]) -> tuple[float, float]:
    """Return top-1 accuracy of whole clips (mean over 1 s windows, hop 0.5 s) and of windows."""
    network.eval()
    mfcc = Mfcc()
    clip_hits, window_hits = [], []
    with torch.inference_mode():
        for clip in clips:
            samples = clip.versions[0]
            if len(samples) < WINDOW_SAMPLES:
                samples = np.pad(samples, (0, WINDOW_SAMPLES - len(samples)))
            starts = range(0, len(samples) - WINDOW_SAMPLES + 1, WINDOW_SAMPLES // 2)
            windows = np.stack([samples[s : s + WINDOW_SAMPLES] for s in starts])
            scores = network(torch.from_numpy(mfcc(windows))).softmax(1)
            window_hits.extend((scores.argmax(1) == clip.label).tolist())
            clip_hits.append(int(scores.mean(0).argmax()) == clip.label)
    return float(np.mean(clip_hits)), float(np.mean(window_hits))


def train(
    recipe: VoiceTraining,
    training: Sequence[Clip],
    validation: Sequence[Clip],
    checkpoint_path: Path,
) -> VoiceNetwork:
    """Train, then adapt to live sound, and return the averaged network.

    Both go on from their checkpoints, at ``checkpoint_path`` and beside it.
    """
    torch.manual_seed(recipe.seed)
    batches = BatchMaker(training, recipe)
    network = VoiceNetwork(drop_rate=recipe.drop_rate)
    rng = np.random.default_rng(recipe.seed)
    sample = np.concatenate([batches.draw(rng)[0] for _ in range(8)])
    network.mean.copy_(torch.from_numpy(sample.mean((0, 1))))
    network.deviation.copy_(torch.from_numpy(sample.std((0, 1))))
    learned_from = sorted({(clip.corpus, clip.speaker) for clip in training})
    identity = f"{recipe} on {len(training)} clips of {learned_from}"
    learning = Phase(
        recipe.steps, recipe.peak_learning_rate, recipe.warmup_share, recipe.averaging_decay
    )
    _run(learning, network, batches, validation, Checkpoint(checkpoint_path, identity))
    adapting = Phase(
        max(1, round(recipe.steps * recipe.adapting_share)),
        recipe.adapting_learning_rate,
        recipe.warmup_share,
        recipe.adapting_averaging_decay,
        first_step=recipe.steps,
        equipment=True,
    )
    beside = checkpoint_path.with_stem(f"{checkpoint_path.stem}_adapted")
    _run(adapting, network, batches, validation, Checkpoint(beside, f"{identity}, adapted"))
    return network


@dataclass(frozen=True)
class Phase:
    """One cycle of learning.

    Attributes:
        steps: of it.
        peak_learning_rate: reached after ``warmup_share`` of them.
        warmup_share: in [0, 1].
        averaging_decay: of the running average of weights.
        first_step: of the seeds, so that no phase draws what another did.
        equipment: whether sound comes as equipment and Opus leave it.
    """

    steps: int
    peak_learning_rate: float
    warmup_share: float
    averaging_decay: float
    first_step: int = 0
    equipment: bool = False


@dataclass(frozen=True)
class Checkpoint:
    """Where a phase is kept while it lasts, and of what run it is; see ``TrainingState``."""

    path: Path
    identity: str


def _run(
    phase: Phase,
    network: VoiceNetwork,
    batches: BatchMaker,
    validation: Sequence[Clip],
    checkpoint: Checkpoint,
) -> None:
    """Train ``network`` for a phase, from its checkpoint on; leave it with the averaged weights."""
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
        pct_start=max(phase.warmup_share, 2 / phase.steps) if phase.steps > 3 else 0.1,
    )
    state = TrainingState(network, averaged, optimizer, schedule, checkpoint.identity)
    first_step = state.resume(checkpoint.path)

    progress = tqdm(range(first_step, phase.steps), initial=first_step, total=phase.steps)
    for step in progress:
        # Seeded anew at each step, dropout too, so that a run that was stopped ends the same.
        seed = phase.first_step + step
        rng = np.random.default_rng((recipe.seed, seed))
        torch.manual_seed(recipe.seed * 1_000_000 + seed)
        mfcc_array, label_array = batches.draw(rng, equipment=phase.equipment)
        mfcc = torch.from_numpy(mfcc_array)
        targets = functional.one_hot(torch.from_numpy(label_array), len(EMOTIONS)).float()
        mask_time(mfcc, rng, recipe.longest_mask_frames)
        mfcc, targets = mixup(mfcc, targets, rng, recipe.mixup_alpha)
        mfcc = mfcc[:, : int(rng.integers(51, 102))] if rng.random() < 0.25 else mfcc
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


def main() -> int:
    """Train with the flags' settings and write the averaged weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    corpora.add_corpus_flags(parser)
    parser.add_argument("--steps", type=int, default=VoiceTraining.steps)
    parser.add_argument("--seed", type=int, default=VoiceTraining.seed)
    parser.add_argument(
        "--checkpoint", type=Path, default=Path("runs/voice.pt"), help="resumed when it exists"
    )
    parser.add_argument("--out", type=Path, default=Path("weights/audio_bilstm.pt"))
    arguments = parser.parse_args()
    recipe = VoiceTraining(steps=arguments.steps, seed=arguments.seed)
    spoken, others = corpora.utterances_named_by(arguments)
    held_out = [u for u in spoken if u.speaker in VALIDATION_ACTORS]
    used = [u for u in spoken if u.speaker not in VALIDATION_ACTORS | TEST_ACTORS]
    used += others
    if not held_out or len(used) < recipe.batch_size:
        print(
            f"error: {arguments.ravdess} must hold RAVDESS speech, Actor_01 to Actor_20 at least",
            file=sys.stderr,
        )
        return 1
    try:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        clips = load_clips(used, recipe.seed), load_clips(held_out, recipe.seed)
        network = train(recipe, *clips, arguments.checkpoint)
        torch.save(network.state_dict(), arguments.out)
    except (CheckpointError, OSError, soundfile.LibsndfileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
