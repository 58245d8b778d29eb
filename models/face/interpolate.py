"""Between two trained face networks lies one that keeps what is good in both.

``python -m models.face.interpolate EARLIER LATER --share 0.15 --fer FOLDER``

Long training on FER-2013's noisy labels gains on those labels and loses on what most people see; a
step back towards the weights that it began with gives most of the loss back. Wortsman et al.,
"Robust fine-tuning of zero-shot models", CVPR 2022.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from models.command_line import integer
from models.face.network import FaceNetwork
from models.face.train import top1_and_balanced
from models.face.trained import in_half_precision
from models.face.training_data import split_pictures
from models.training import begin_with, between

_BATCH = 128


def measure_statistics(network: FaceNetwork, images: npt.NDArray[np.uint8]) -> None:
    """Take the statistics of batch normalisation anew: neither network's fit what lies between.

    ``images`` are grey pictures, uint8, shape (n, 48, 48), in an order without any order.

    Raises:
        ValueError: there are none.
    """
    if not len(images):
        raise ValueError("no pictures to take the statistics of")
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None  # the mean of all batches, not a running one
    network.train()
    with torch.no_grad():
        # Parts of nearly one size: each counts as much as the others in the mean.
        for part in np.array_split(images, -(-len(images) // _BATCH)):
            network(torch.from_numpy(part).float().div(255).unsqueeze(1))
    network.eval()


def main(argv: Sequence[str] | None = None) -> int:
    """Write the network in between, and say how good it is on the pictures held out."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("earlier", type=Path, help="weights that training began with")
    add("later", type=Path, help="weights that it ended with")
    add("--share", type=float, required=True, help="of the earlier ones, 0 to 1")
    add("--fer", type=Path, required=True, help="folder with train/ and test/")
    add(
        "--pictures", type=integer(1), default=2048, help="for the statistics [default %(default)s]"
    )
    add("--out", type=Path, default=Path("weights/face_mobilenetv3.pt"))
    given = parser.parse_args(argv)
    try:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        earlier, later = FaceNetwork(), FaceNetwork()
        begin_with(earlier, given.earlier)
        begin_with(later, given.later)
        training, held_out = split_pictures(given.fer)
        network = FaceNetwork()
        network.load_state_dict(between(earlier.state_dict(), later.state_dict(), given.share))
        chosen = np.random.default_rng(0).permutation(len(training))[: given.pictures]
        measure_statistics(network, training.images[chosen])
        top1, balanced = top1_and_balanced(network, held_out, torch.device("cpu"))
        torch.save(in_half_precision(network), given.out)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{given.out}: held-out top-1 {top1:.3f}, balanced {balanced:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
