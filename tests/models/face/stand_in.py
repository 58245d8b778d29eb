"""A stand-in for HSEmotion's network: same architecture and kind of file, own numbers.

Also run by itself, beside another timm, so it imports no more than it needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.timm_import import import_timm


def write_stand_in(path: Path) -> None:
    """Write what HSEmotion publishes, with random numbers, by the timm that is importable."""
    timm = import_timm()
    torch.manual_seed(7)
    network = timm.create_model("tf_efficientnet_b2", num_classes=7).train()
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(layer.bias, 0.0, 0.1)
            layer.momentum = 0.9  # one pass gives each layer statistics of its own
    with torch.no_grad():
        network(torch.rand(2, 3, 160, 160) * 4 - 2)
    torch.save(network.eval(), path)
    np.save(path.with_suffix(".npy"), network(torch.from_numpy(as_input(crop()))).detach().numpy())


def crop() -> np.ndarray:
    """Return an RGB picture, uint8, whose three channels differ."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (13, 13, 3)) * (1.0, 0.6, 0.3)  # reddish, as faces are
    return np.kron(coarse, np.ones((20, 20, 1))).astype(np.uint8)


def as_input(picture: np.ndarray) -> np.ndarray:
    """Prepare a picture of the right size as HSEmotion expects it."""
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    scaled = (picture / 255 - mean) / deviation
    return scaled.transpose(2, 0, 1)[None].astype(np.float32)


class Call:
    """Pickles as a call of ``function``, which may be such a call itself, with ``args``."""

    def __init__(self, function: Any, *args: Any) -> None:
        self._call = function, args

    def __reduce__(self) -> tuple[Any, ...]:
        return self._call

    def __call__(self) -> None:
        """Only there because pickle asks whether ``function`` can be called."""
