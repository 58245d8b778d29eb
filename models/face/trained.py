"""What is done to a face network after training, before its weights are kept."""

from __future__ import annotations

import torch

from models.face.network import FaceNetwork


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
