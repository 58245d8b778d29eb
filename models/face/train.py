"""Train the shipped face network: ``python -m models.face.train --fer FER2013_FOLDER``."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, update_bn
from tqdm import tqdm

from models.emotions import EMOTIONS
from models.face.augment import augment
from models.face.fer2013 import FaceImages, hash_of, read_split, read_votes, without_copies_of
from models.face.network import FaceNetwork
from models.training import TrainingState, averaged_copy


@dataclass(frozen=True)
class FaceTraining:
    """What a run is made of; the defaults gave the shipped weights."""

    epochs: int = 21
    batch_size: int = 64
    peak_learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup_share: float = 0.1
    label_smoothing: float = 0.05
    votes_weight: float = 0.3  # share of the FER+ votes in the target, where there are votes
    averaging_decay: float = 0.999
    statistics_batches: int = 60  # for the batch normalisation of the averaged weights
    full_strength_from: float = 0.4  # share of the epochs after which augmentation is at its full
    drop_rate: float = 0.2
    drop_path_rate: float = 0.05
    start: Path | None = None  # weights to begin with; then augmentation is at its full at once
    prior_correction: float = 0.4  # of 0 to 1 in steps of 0.2 the best on the held-out pictures
    seed: int = 0


def soft_targets(
    split: FaceImages, votes: dict[str, npt.NDArray[np.float32]], recipe: FaceTraining
) -> torch.Tensor:
    """Return target probabilities, float32, shape (n, 7): the label, smoothed, mixed with votes."""
    hard = np.eye(len(EMOTIONS), dtype=np.float32)[split.labels]
    targets = (1 - recipe.label_smoothing) * hard + recipe.label_smoothing / len(EMOTIONS)
    for row, name in enumerate(split.names):
        if name in votes:
            targets[row] = (1 - recipe.votes_weight) * targets[row] + (
                recipe.votes_weight * votes[name]
            )
    return torch.from_numpy(targets)


def top1(network: nn.Module, split: FaceImages, device: torch.device) -> tuple[float, float]:
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


def hold_out(split: FaceImages, share: float, seed: int) -> tuple[FaceImages, FaceImages]:
    """Split by picture content, so that copies of one picture stay on one side."""
    shuffled = np.random.default_rng(seed)
    keys = np.array([hash_of(image) for image in split.images], np.uint64)
    unique = np.unique(keys)
    held = shuffled.choice(unique, int(len(unique) * share), replace=False)
    mask = np.isin(keys, held)
    return split.keep(~mask), split.keep(mask)


def train(recipe: FaceTraining, fer_root: Path, checkpoint_path: Path) -> AveragedModel:
    """Train, or go on training from ``checkpoint_path``, and return the averaged network."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(recipe.seed)
    test = read_split(fer_root / "test")
    everything = without_copies_of(read_split(fer_root / "train"), test)
    training, validation = hold_out(everything, share=0.05, seed=recipe.seed)
    votes_path = fer_root / "ferplus_votes.csv"
    votes = read_votes(votes_path) if votes_path.exists() else {}
    targets = soft_targets(training, votes, recipe)
    images = torch.from_numpy(training.images).unsqueeze(1)

    network = FaceNetwork(recipe.drop_rate, recipe.drop_path_rate).to(device)
    if recipe.start is not None:
        network.load_state_dict(torch.load(recipe.start, map_location=device, weights_only=True))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = averaged_copy(network, recipe.averaging_decay)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=recipe.peak_learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=True,
    )
    steps_per_epoch = len(training) // recipe.batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        recipe.peak_learning_rate,
        total_steps=recipe.epochs * steps_per_epoch,
        pct_start=recipe.warmup_share,
        cycle_momentum=False,
    )
    state = TrainingState(network, averaged, optimizer, schedule)

    for epoch in range(state.resume(checkpoint_path), recipe.epochs):
        # Seeded anew in each epoch, dropout too, so that a run that was stopped ends the same.
        torch.manual_seed(recipe.seed * 10_000 + epoch)
        generator = torch.Generator().manual_seed(recipe.seed * 10_000 + epoch)
        order = torch.randperm(len(training), generator=generator)
        ramp = epoch / (recipe.full_strength_from * recipe.epochs)
        strength = min(1.0, ramp) if recipe.start is None else 1.0
        network.train()
        progress = tqdm(
            range(steps_per_epoch), desc=f"epoch {epoch + 1}/{recipe.epochs}", mininterval=5
        )
        for step in progress:
            rows = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
            batch = augment(images[rows].float().div(255), generator, strength)
            batch = batch.to(device, memory_format=torch.channels_last)
            loss = functional.cross_entropy(network(batch), targets[rows].to(device))
            state.step(loss, largest_gradient=5.0)
            if step % 20 == 0:
                progress.set_postfix(loss=f"{loss.item():.3f}")
        state.save(checkpoint_path, epoch + 1)
        seen = torch.split(
            order[: recipe.statistics_batches * recipe.batch_size], recipe.batch_size
        )
        update_bn(
            (augment(images[rows].float().div(255), generator, strength) for rows in seen),
            averaged,
            device,
        )
        accuracy, balanced = top1(averaged, validation, device)
        tqdm.write(f"epoch {epoch + 1}: held-out top-1 {accuracy:.3f}, balanced {balanced:.3f}")
    return averaged


def correct_prior(network: FaceNetwork, labels: npt.NDArray[np.int64], strength: float) -> None:
    """Take ``strength`` times the classes' log frequency off the logits, in place.

    Menon et al., "Long-tail learning via logit adjustment", ICLR 2021. FER-2013 has eighteen
    happy pictures for each of disgust; nobody's camera has.
    """
    frequency = np.bincount(labels, minlength=len(EMOTIONS)) / len(labels)
    with torch.no_grad():
        network.backbone.classifier.bias -= strength * torch.from_numpy(np.log(frequency)).float()


def main() -> None:
    """Train with the flags' settings and write the averaged weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fer", type=Path, required=True, help="folder with train/ and test/")
    parser.add_argument("--epochs", type=int, default=FaceTraining.epochs)
    parser.add_argument("--peak-learning-rate", type=float, default=FaceTraining.peak_learning_rate)
    parser.add_argument("--start", type=Path, help="weights to begin with, for a second run")
    parser.add_argument("--seed", type=int, default=FaceTraining.seed)
    parser.add_argument(
        "--checkpoint", type=Path, default=Path("runs/face.pt"), help="resumed when it exists"
    )
    parser.add_argument("--out", type=Path, default=Path("weights/face_mobilenetv3.pt"))
    arguments = parser.parse_args()
    recipe = FaceTraining(
        epochs=arguments.epochs,
        peak_learning_rate=arguments.peak_learning_rate,
        start=arguments.start,
        seed=arguments.seed,
    )
    network = FaceNetwork()
    network.load_state_dict(train(recipe, arguments.fer, arguments.checkpoint).module.state_dict())
    labels = read_split(arguments.fer / "train").labels
    correct_prior(network, labels, recipe.prior_correction)
    # Half precision halves the file and changes no prediction.
    weights = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }
    torch.save(weights, arguments.out)


if __name__ == "__main__":
    main()
