"""The voice network: what serves computes what was trained, for any batch and window."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from models.export import ExportError, export_onnx
from models.runtime import OnnxNetwork
from models.voice.network import VoiceNetwork

FREE_AXES = {0: "batch", 1: "frames"}


@pytest.fixture(scope="module")
def network() -> VoiceNetwork:
    """A network with random weights and with statistics as sound has them."""
    torch.manual_seed(1)
    network = VoiceNetwork(drop_rate=0.4)
    network.mean.normal_(0, 50)
    network.deviation.uniform_(5, 40)
    return network.eval()


@pytest.fixture(scope="module")
def exported(network: VoiceNetwork) -> OnnxNetwork:
    return OnnxNetwork(export_onnx(network, windows(1, 101), FREE_AXES))


def windows(count: int, frames: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(count * 1000 + frames)
    return torch.randn(count, frames, 40, generator=rng) * 40


@pytest.mark.parametrize(("count", "frames"), [(1, 101), (7, 101), (1, 51), (4, 76), (2, 64)])
def test_export(network: VoiceNetwork, exported: OnnxNetwork, count: int, frames: int):
    """The export gives torch's logits, also for other batches and windows than it was made with."""
    batch = windows(count, frames)
    with torch.inference_mode():
        wanted = network(batch).numpy()
    given = exported(batch.numpy())
    assert given.shape == (count, 7)
    np.testing.assert_allclose(given, wanted, rtol=0, atol=1e-4)
    assert np.ptp(wanted, axis=1).min() > 0.01  # else the comparison says nothing


def test_whole_window_counts(network: VoiceNetwork):
    """Another beginning of the window changes the logits, and so does another end."""
    window = windows(1, 101)
    with torch.inference_mode():
        logits = network(window)
        for part in (slice(0, 10), slice(90, 100)):
            altered = window.clone()
            altered[:, part] += 40 * torch.randn(10, 40)
            assert not torch.allclose(network(altered), logits, atol=1e-4)


def test_loudness_is_removed(network: VoiceNetwork):
    """A louder microphone, which shifts the first coefficient only, changes nothing."""
    window = windows(1, 101)
    louder = window.clone()
    louder[:, :, 0] += 100
    with torch.inference_mode():
        torch.testing.assert_close(network(louder), network(window), rtol=0, atol=1e-4)


def test_gradients_reach_all():
    """Every parameter of the network takes part in its output."""
    network = VoiceNetwork()
    network(windows(2, 51)).square().sum().backward()
    idle = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    # A shift of all attention alike changes no softmax.
    assert idle in ([], ["attention.bias"])


class BranchOnBatch(nn.Module):
    """Takes another way for several windows than for one, which tracing cannot see."""

    def forward(self, mfcc: torch.Tensor) -> torch.Tensor:
        logits = mfcc.mean(1)[:, :7]
        return logits * 2 if len(mfcc) > 1 else logits


class NotANumber(nn.Module):
    """Gives what cannot be compared, as a network whose training diverged."""

    def forward(self, mfcc: torch.Tensor) -> torch.Tensor:
        return mfcc.mean(1)[:, :7] * float("nan")


@pytest.mark.parametrize("network", [BranchOnBatch(), NotANumber()])
def test_export_that_differs(network: nn.Module):
    """An export that does not compute what the network computes is refused."""
    with pytest.raises(ExportError, match="is off by"):
        export_onnx(network, windows(1, 101), FREE_AXES)
