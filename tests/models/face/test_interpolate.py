"""A network between two: at the ends one of them, in the middle with statistics of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models.face.interpolate import main, measure_statistics
from models.face.network import FaceNetwork


@pytest.mark.parametrize("count", [3, 256])
def test_statistics_are_those_of_the_pictures(count: int):
    """The first normalisation's mean and variance are what its inputs have in these pictures,
    be they fewer than a batch.
    """
    torch.manual_seed(0)
    network = FaceNetwork()
    images = np.random.default_rng(0).integers(0, 256, (count, 48, 48), dtype=np.uint8)
    measure_statistics(network, images)
    assert not network.training
    with torch.inference_mode():
        grey = torch.from_numpy(images).float().div(255).unsqueeze(1)
        seen = network.backbone.conv_stem(network.prepared(grey))
    norm = network.backbone.bn1
    torch.testing.assert_close(norm.running_mean, seen.mean((0, 2, 3)), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(norm.running_var, seen.var((0, 2, 3)), rtol=1e-2, atol=1e-4)


def test_weights_of_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A file that holds no face network is named, and nothing is written."""
    other = tmp_path / "other.pt"
    torch.save({"weight": torch.zeros(2)}, other)
    out = tmp_path / "out.pt"
    flags = ["--share", "0.5", "--fer", str(tmp_path), "--out", str(out)]
    assert main([str(other), str(other), *flags]) == 1
    assert f"{other} does not hold the weights of a face network" in capsys.readouterr().err
    assert not out.exists()


def test_statistics_of_nothing():
    """Without pictures there are no statistics, and no network that lacks them."""
    with pytest.raises(ValueError, match="no pictures"):
        measure_statistics(FaceNetwork(), np.zeros((0, 48, 48), np.uint8))
