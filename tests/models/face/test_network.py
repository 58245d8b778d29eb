"""The face network: what serves computes what was trained, for any batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.export import export_onnx
from models.face.network import FACE_SIZE, FaceNetwork
from models.runtime import OnnxNetwork


@pytest.fixture(scope="module")
def network() -> FaceNetwork:
    """A network with random weights, the ones that begin as zero and batch statistics included."""
    torch.manual_seed(2)
    network = FaceNetwork(drop_rate=0.2, drop_path_rate=0.05).train()
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
            torch.nn.init.normal_(layer.bias, 0.0, 0.1)
            layer.momentum = 0.9  # one pass gives each layer statistics of its own
    torch.nn.init.normal_(network.backbone.classifier.weight, 0.0, 0.1)
    with torch.no_grad():
        network(crops(8))
    return network.eval()


def crops(count: int) -> torch.Tensor:
    """Return coarse patterns, so that neighbouring pixels belong together as in pictures."""
    rng = torch.Generator().manual_seed(count)
    coarse = torch.rand(count, 1, 6, 6, generator=rng)
    return torch.nn.functional.interpolate(coarse, (FACE_SIZE, FACE_SIZE), mode="bilinear")


def logits(network: FaceNetwork, batch: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        result: torch.Tensor = network(batch)
    return result


@pytest.fixture(scope="module")
def exported(network: FaceNetwork) -> OnnxNetwork:
    return OnnxNetwork(export_onnx(network, crops(1), {0: "batch"}))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_export(network: FaceNetwork, exported: OnnxNetwork, count: int):
    """The export gives torch's logits, also for other batches than it was made with."""
    batch = crops(count)
    wanted = logits(network, batch).numpy()
    given = exported(batch.numpy())
    assert given.shape == (count, 7)
    np.testing.assert_allclose(given, wanted, rtol=0, atol=1e-4)
    assert np.ptp(wanted, axis=1).min() > 0.01  # else the comparison says nothing


def test_exposure(network: FaceNetwork):
    """A camera that shows the same face darker and with less contrast changes the logits little."""
    batch = crops(3)
    normal = logits(network, batch)
    dark = logits(network, batch * 0.7 + 0.02)
    inverted = logits(network, 1 - batch)
    assert (dark - normal).abs().max() < 0.5 * (inverted - normal).abs().max()


def test_blank(network: FaceNetwork):
    """A crop of one single grey, as a covered lens gives, has finite logits."""
    assert logits(network, torch.full((1, 1, FACE_SIZE, FACE_SIZE), 0.5)).isfinite().all()


def test_full_resolution(network: FaceNetwork):
    """The first convolution keeps all 48 x 48 pixels."""
    stem = network.backbone.conv_stem
    assert stem(crops(1)).shape[-2:] == (FACE_SIZE, FACE_SIZE)


def test_begins_as_identity():
    """Residual blocks begin as the identity, without which training hardly starts."""
    blocks = [b for b in FaceNetwork().backbone.modules() if getattr(b, "has_skip", False)]
    zeroed = [b for b in blocks if hasattr(b, "bn3")]
    assert len(zeroed) >= 5
    assert not any(block.bn3.weight.any() for block in zeroed)
