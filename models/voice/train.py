"""Train the shipped voice network: ``python -m models.voice.train --ravdess FOLDER``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from models.emotions import EMOTIONS
from models.training import CheckpointError, TrainingState, averaged_copy
from models.voice import corpora
from models.voice.augment import Samples, cut_window, degrade, opus_round_trip
from models.voice.features import SAMPLE_RATE_HZ, WINDOW_SAMPLES, Mfcc
from models.voice.network import VoiceNetwork

# Never trained on: these choose between runs and moments of a run ...
VALIDATION_ACTORS = frozenset({"17", "18", "19", "20"})
# ... and these are not looked at here at all.
TEST_ACTORS = frozenset({"21", "22", "23", "24"})


@dataclass(frozen=True)
class VoiceTraining:
    """What a run is made of; the defaults gave the shipped weights."""

    steps: int = 3000
    batch_size: int = 64
    peak_learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warmup_share: float = 0.1
    label_smoothing: float = 0.1
    mixup_alpha: float = 0.3
    drop_rate: float = 0.4
    speed_range: float = 0.15
    longest_mask_frames: int = 20
    averaging_decay: float = 0.998
    ravdess_share: float = 0.75  # of a batch; the other corpora share the rest
    adapting_share: float = 0.2  # so many more, with sound as equipment and Opus leave it
    adapting_learning_rate: float = 5e-4
    adapting_averaging_decay: float = 0.995
    seed: int = 0


@dataclass(frozen=True)
class Clip:
    """One utterance in memory: as recorded and, for RAVDESS, as Opus leaves it."""

    corpus: str
    speaker: str
    label: int
    versions: tuple[Samples, ...]


def trim_silence(samples: Samples, margin_s: float = 0.2, below_peak_db: float = 35.0) -> Samples:
    """Cut both ends where they are ``below_peak_db`` quieter than the loudest 25 ms."""
    frame = SAMPLE_RATE_HZ // 40
    count = max(1, len(samples) // frame)
    squares = np.resize(samples, count * frame).reshape(count, frame) ** 2
    levels = np.sqrt(squares.mean(axis=1))
    loud = np.flatnonzero(levels > levels.max() * 10 ** (-below_peak_db / 20))
    if loud.size == 0:
        return samples
    margin = int(margin_s * SAMPLE_RATE_HZ)
    start = max(0, int(loud[0]) * frame - margin)
    return samples[start : (int(loud[-1]) + 1) * frame + margin]


def load_clips(utterances: Sequence[corpora.Utterance], seed: int) -> list[Clip]:
    """Read utterances; those of RAVDESS, which were never coded, also get an Opus version."""
    rng = np.random.default_rng(seed)
    clips = []
    for utterance in tqdm(utterances, desc="reading", leave=False):
        samples = trim_silence(corpora.read_speech(utterance.path))
        versions = [samples]
        if utterance.corpus == "ravdess":
            versions.append(opus_round_trip(samples, rng.uniform(0.5, 1.0)))
        clips.append(Clip(utterance.corpus, utterance.speaker, utterance.label, tuple(versions)))
    return clips


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
        self, rng: np.random.Generator, *, equipment: bool = False
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Return MFCC, float32, shape (batch, 101, 40), and labels, int64, shape (batch,)."""
        windows = np.zeros((self.recipe.batch_size, WINDOW_SAMPLES), np.float32)
        labels = np.zeros(self.recipe.batch_size, np.int64)
        for row in range(self.recipe.batch_size):
            shelves = self._shelves[rng.choice(len(self._shelves), p=self._weights)]
            shelf = shelves[rng.integers(len(shelves))]
            clip = shelf[rng.integers(len(shelf))]
            version = clip.versions[rng.integers(len(clip.versions))]
            window = cut_window(version, rng, self.recipe.speed_range)
            windows[row] = degrade(window, rng, equipment=equipment)
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
