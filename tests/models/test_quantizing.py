"""Matrices in 8 bits: nearly the same logits, or none at all."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from models import quantizing
from models.export import export_onnx
from models.quantizing import QuantizingError, quantized
from models.runtime import OnnxNetwork
from models.voice.network import VoiceNetwork


@pytest.fixture(scope="module")
def model() -> bytes:
    """A voice network with random weights."""
    torch.manual_seed(3)
    return export_onnx(VoiceNetwork(), torch.randn(1, 101, 40), {0: "batch", 1: "frames"})


def _windows(count: int, frames: int = 101) -> np.ndarray:
    return np.random.default_rng(count).standard_normal((count, frames, 40)).astype(np.float32)


@pytest.mark.parametrize("frames", [51, 101])
def test_logits_stay_nearly_the_same(model: bytes, frames: int) -> None:
    """A third of the size, and for windows of any length no logit far from what it was."""
    small = quantized(model, _windows(4))
    assert len(small) < len(model) / 3
    windows = _windows(3, frames)
    before, after = OnnxNetwork(model)(windows), OnnxNetwork(small)(windows)
    assert np.abs(after - before).max() < 0.05
    assert np.ptp(before, axis=1).min() > 0.05  # else the comparison says nothing


def test_a_network_that_suffers_is_refused(model: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a logit changes by more than is allowed, no network is given."""
    monkeypatch.setattr(quantizing, "_TOLERANCE", 1e-9)
    with pytest.raises(QuantizingError, match="change a logit by"):
        quantized(model, _windows(4))


def test_logging_is_as_before(model: bytes) -> None:
    """What was silenced meanwhile is heard again."""
    before = logging.root.manager.disable
    quantized(model, _windows(2))
    assert logging.root.manager.disable == before
