"""Train the shipped voice network: ``python -m models.voice.train --ravdess FOLDER``."""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch

from models.training import CheckpointError
from models.voice import corpora
from models.voice.batches import BatchMaker
from models.voice.clips import Clip, load_clips
from models.voice.network import VoiceNetwork
from models.voice.phase import Checkpoint, Phase, run_phase
from models.voice.recipe import VoiceTraining

# Never trained on: these choose between runs and moments of a run ...
VALIDATION_ACTORS = frozenset({"17", "18", "19", "20"})
# ... and these are not looked at here at all.
TEST_ACTORS = frozenset({"21", "22", "23", "24"})


def train(
    recipe: VoiceTraining,
    training: Sequence[Clip],
    validation: Sequence[Clip],
    checkpoint_path: Path,
) -> VoiceNetwork:
    """Train the members, then the first of them by what all say, and return it.

    Each goes on from its checkpoint, which lies beside ``checkpoint_path``.

    Raises:
        CheckpointError: a checkpoint is of another run.
    """
    members = tuple(
        train_member(recipe, member, training, validation, checkpoint_path)
        for member in range(recipe.members)
    )
    distilled = copy.deepcopy(members[0])
    phase = Phase(
        max(1, round(recipe.steps * recipe.distilling_share)),
        recipe.distilling_learning_rate,
        recipe.distilling_averaging_decay,
        seed=_phase_seed(recipe, recipe.members),
        teachers=members,
        teachers_share=recipe.teachers_share,
    )
    checkpoint = _checkpoint(recipe, training, checkpoint_path, "distilled")
    run_phase(phase, distilled, BatchMaker(training, recipe), validation, checkpoint)
    return distilled


def train_member(
    recipe: VoiceTraining,
    member: int,
    training: Sequence[Clip],
    validation: Sequence[Clip],
    checkpoint_path: Path,
) -> VoiceNetwork:
    """Train one member, so that several may be trained at a time; ``train`` takes them over.

    Raises:
        CheckpointError: its checkpoint is of another run.
    """
    batches = BatchMaker(training, recipe)
    rng = np.random.default_rng(recipe.seed)
    sample = np.concatenate([batches.draw(rng)[0] for _ in range(8)])
    seed = _phase_seed(recipe, member)
    torch.manual_seed(seed)
    network = VoiceNetwork(drop_rate=recipe.drop_rate)
    network.mean.copy_(torch.from_numpy(sample.mean((0, 1))))
    network.deviation.copy_(torch.from_numpy(sample.std((0, 1))))
    phase = Phase(
        recipe.steps,
        recipe.peak_learning_rate,
        recipe.averaging_decay,
        seed,
        label_smoothing=recipe.label_smoothing,
    )
    checkpoint = _checkpoint(recipe, training, checkpoint_path, f"member_{member}")
    run_phase(phase, network, batches, validation, checkpoint)
    return network


def _phase_seed(recipe: VoiceTraining, phase: int) -> int:
    return recipe.seed * (recipe.members + 1) + phase


def _checkpoint(
    recipe: VoiceTraining, training: Sequence[Clip], beside: Path, name: str
) -> Checkpoint:
    learned_from = sorted({(clip.corpus, clip.speaker) for clip in training})
    identity = f"{name} of {recipe} on {len(training)} clips of {learned_from}"
    return Checkpoint(beside.with_stem(f"{beside.stem}_{name}"), identity)


def main() -> int:
    """Train with the flags' settings and write the averaged weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    corpora.add_corpus_flags(parser)
    parser.add_argument("--steps", type=int, default=VoiceTraining.steps)
    parser.add_argument("--seed", type=int, default=VoiceTraining.seed)
    parser.add_argument(
        "--checkpoint",
        type=Path,
        default=Path("runs/voice.pt"),
        help="each phase has its own, named after this one and resumed when it exists",
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
