"""Paddings folded into convolutions: the same logits, with less work."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from torch import nn
from torch.nn import functional

from models.export import export_onnx
from models.face.network import FaceNetwork
from models.runtime import OnnxNetwork


class _Padded(nn.Module):
    """A convolution of a padded picture, by rights or in ways that must be left as they are."""

    def __init__(
        self, sides: tuple[int, int, int, int], value: float, own: int, shares: int
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(2, 7, 3, stride=2, padding=own)
        self.sides, self.value, self.shares = sides, value, shares

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        padded = functional.pad(pictures, self.sides, value=self.value)
        logits: torch.Tensor = self.convolution(padded).mean((2, 3))
        return logits + padded.mean((1, 2, 3))[:, None] if self.shares else logits


def _paddings(model: bytes) -> int:
    return sum(node.op_type == "Pad" for node in onnx.load_from_string(model).graph.node)


@pytest.mark.parametrize(
    ("sides", "value", "own", "shares", "left"),
    [
        ((0, 1, 0, 1), 0.0, 0, 0, 0),
        ((1, 2, 0, 3), 0.0, 1, 0, 0),
        ((0, 1, 0, 1), 0.5, 0, 0, 1),
        ((-1, 1, 0, 1), 0.0, 0, 0, 1),
        ((0, 1, 0, 1), 0.0, 0, 1, 1),
    ],
    ids=["zeros", "beside its own", "not zeros", "cuts", "used elsewhere"],
)
def test_padding_is_folded_where_that_is_the_same(
    sides: tuple[int, int, int, int],
    value: float,
    own: int,
    shares: int,
    left: int,
) -> None:
    """Zeros around pictures become the convolution's, all else stays, and so do the logits."""
    torch.manual_seed(1)
    network = _Padded(sides, value, own, shares).eval()
    pictures = torch.rand(2, 2, 12, 10)
    model = export_onnx(network, pictures[:1], {0: "batch"})
    assert _paddings(model) == left
    with torch.inference_mode():
        wanted = network(pictures).numpy()
    np.testing.assert_allclose(OnnxNetwork(model)(pictures.numpy()), wanted, atol=1e-5)


def test_the_face_network_pads_nowhere() -> None:
    """The exported face network has no padding left outside its convolutions."""
    assert _paddings(export_onnx(FaceNetwork(), torch.rand(1, 1, 48, 48), {0: "batch"})) == 0
