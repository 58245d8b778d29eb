"""What training leaves of a face network: its weights as they are kept, and read again."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch

from models.face.network import FaceNetwork


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
