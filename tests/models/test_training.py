"""What both trainers share: where a run begins, and what lies between two of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from models.training import begin_with, between, checksum


def test_between_by_hand():
    """Numbers lie between by their share; counters are those of the later network."""
    earlier = {"weight": torch.tensor([0.0, 4.0]), "count": torch.tensor(1)}
    later = {"weight": torch.tensor([1.0, 8.0]), "count": torch.tensor(5)}
    for share, wanted in ((0.0, [1.0, 8.0]), (0.25, [0.75, 7.0]), (1.0, [0.0, 4.0])):
        found = between(earlier, later, share)
        assert found["weight"].tolist() == wanted
        assert found["count"].item() == 5
    with pytest.raises(ValueError, match=r"in \[0, 1\], not 1.5"):
        between(earlier, later, 1.5)


def test_checksum_tells_weights_apart():
    """Equal weights have one checksum; a single number that differs has another."""
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 2)
    before = checksum(network)
    assert checksum(network) == before
    with torch.no_grad():
        network.bias[1] += 1e-3
    assert checksum(network) != before


@pytest.mark.parametrize("content", [b"", b"some words\n", b"PK\x03\x04"])
def test_what_holds_no_weights_is_named(tmp_path: Path, content: bytes):
    """An empty file, a text, and half an archive are refused by name."""
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"weights\.pt does not hold the weights of a linear"):
        begin_with(nn.Linear(1, 1), path)
