"""The face network: what serves computes what was trained, for any batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.export import export_onnx
from models.face.network import FACE_SIZE, FaceNetwork, HalvingConv2d
from models.runtime import OnnxNetwork


@pytest.fixture(scope="module")
def network() -> FaceNetwork:
    """A network with random weights, the ones that begin as zero and batch statistics included."""
    torch.manual_seed(2)
    network = FaceNetwork().train()
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


def test_prepared(network: FaceNetwork):
    """The backbone gets crops of 96 x 96 of mean 0, the same whatever their exposure was."""
    batch = crops(4)
    prepared = network.prepared(batch)
    assert prepared.shape == (4, 1, 96, 96)
    assert prepared.mean((1, 2, 3)).abs().max() < 0.05
    assert prepared.std() > 0.7
    darker = network.prepared(batch * 0.6 + 0.1)
    torch.testing.assert_close(darker, prepared, rtol=0, atol=0.35)


@pytest.mark.parametrize("kernel", [3, 5])
def test_halving_pads_as_tensorflow_does(kernel: int):
    """An even size is halved, and the window begins as near to the edge as TensorFlow's."""
    plain = torch.nn.Conv2d(1, 1, kernel, 2, bias=False)
    torch.nn.init.ones_(plain.weight)
    halved = HalvingConv2d.like(plain)(torch.ones(1, 1, 8, 8))
    assert halved.shape == (1, 1, 4, 4)
    # SAME: (4 - 1) * 2 + kernel - 8 are padded in all, the odd one at the far side.
    in_all = 6 + kernel - 8
    assert halved[0, 0, 0, 0] == (kernel - in_all // 2) ** 2
    assert halved[0, 0, -1, -1] == (kernel - (in_all - in_all // 2)) ** 2
