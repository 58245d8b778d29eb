"""Train the shipped voice network: ``python -m models.voice.train --ravdess FOLDER``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch

from models.training import CheckpointError, begin_with, checksum
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
    """Train in two cycles, the second slower, and return the averaged network.

    Both go on from their checkpoints, at ``checkpoint_path`` and beside it.

    Raises:
        CheckpointError: a checkpoint is of another run.
    """
    torch.manual_seed(recipe.seed)
    batches = BatchMaker(training, recipe)
    network = VoiceNetwork(drop_rate=recipe.drop_rate)
    rng = np.random.default_rng(recipe.seed)
    # The statistics are of sound without equipment's cuts, as when the shipped weights were made.
    sample = np.concatenate([batches.draw(rng, equipment_share=0.0)[0] for _ in range(8)])
    network.mean.copy_(torch.from_numpy(sample.mean((0, 1))))
    network.deviation.copy_(torch.from_numpy(sample.std((0, 1))))
    identity = f"{recipe} on {_described(training)}"
    learning = Phase(recipe.steps, recipe.peak_learning_rate, recipe.averaging_decay)
    run_phase(learning, network, batches, validation, Checkpoint(checkpoint_path, identity))
    go_on(recipe, network, training, validation, checkpoint_path)
    return network


def go_on(
    recipe: VoiceTraining,
    network: VoiceNetwork,
    training: Sequence[Clip],
    validation: Sequence[Clip],
    checkpoint_path: Path,
) -> None:
    """Train ``network``, which knows something already, in the second cycle alone.

    It goes on from its checkpoint, beside ``checkpoint_path``.

    Raises:
        CheckpointError: the checkpoint is of another run, or of other weights to begin with.
    """
    second = Phase(
        max(1, round(recipe.steps * recipe.second_share)),
        recipe.second_learning_rate,
        recipe.second_averaging_decay,
        first_seed=recipe.steps,
    )
    path = checkpoint_path.with_stem(f"{checkpoint_path.stem}_second")
    start = checksum(network)
    identity = f"second cycle of {recipe} on {_described(training)} from weights {start:08x}"
    batches = BatchMaker(training, recipe)
    run_phase(second, network, batches, validation, Checkpoint(path, identity))


def _described(clips: Sequence[Clip]) -> str:
    return f"{len(clips)} clips of {sorted({(clip.corpus, clip.speaker) for clip in clips})}"


def main() -> int:
    """Train with the flags' settings and write the averaged weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    corpora.add_corpus_flags(parser)
    parser.add_argument(
        "--start", type=Path, help="go on from these weights, in the second cycle alone"
    )
    parser.add_argument("--steps", type=int, default=VoiceTraining.steps)
    parser.add_argument("--seed", type=int, default=VoiceTraining.seed)
    parser.add_argument(
        "--checkpoint",
        type=Path,
        default=Path("runs/voice.pt"),
        help="each cycle has its own, named after this one and resumed when it exists",
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
        if arguments.start:
            network = VoiceNetwork(drop_rate=recipe.drop_rate)
            begin_with(network, arguments.start)
            go_on(recipe, network, *clips, arguments.checkpoint)
        else:
            network = train(recipe, *clips, arguments.checkpoint)
        torch.save(network.state_dict(), arguments.out)
    except (CheckpointError, OSError, ValueError, soundfile.LibsndfileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
