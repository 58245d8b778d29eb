"""What is done to a face network after training, before its weights are kept."""

from __future__ import annotations

import torch

from models.emotions import EMOTIONS
from models.face.learner import Learner
from models.face.network import FaceNetwork


def lean_on_votes(learner: Learner, strength: float) -> None:
    """Add ``strength`` times the votes' head, of our emotions, to the labels' head, in place.

    FER-2013's labels are noisy; a little of what ten people would say brings the answers nearer to
    what most see, and costs nothing by the labels.
    """
    labels, votes = learner.network.backbone.classifier, learner.votes
    with torch.no_grad():
        labels.weight += strength * votes.weight[: len(EMOTIONS)]
        labels.bias += strength * votes.bias[: len(EMOTIONS)]


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
