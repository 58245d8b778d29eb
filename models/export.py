"""Turn a trained torch network into the ONNX file that serves it."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.folding import folded
from models.runtime import OnnxNetwork
from models.voice.network import VoiceNetwork

_OPSET = 17
_TOLERANCE = 1e-4


class ExportError(RuntimeError):
    """The exported network does not compute what the torch network computes."""


def export_onnx(network: nn.Module, example: torch.Tensor, free_axes: Mapping[int, str]) -> bytes:
    """Export ``network`` and check the result against it.

    Args:
        network: takes one tensor and gives logits, shape (batch, 7).
        example: an input; the check also runs batches of it, and parts where lengths are free.
        free_axes: input axes whose length may vary, with their names; axis 0 is the batch.

    Raises:
        ExportError: the two differ by more than 1e-4 in any logit.
    """
    network.eval()
    # The TorchScript exporter is deprecated, but the newer one needs two more packages and
    # unrolls an LSTM over time, which would fix the length of the window.
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        exported = Path(folder) / "network.onnx"
        torch.onnx.export(
            network,
            (example,),
            exported,
            input_names=["input"],
            output_names=["logits"],
            dynamic_axes={"input": dict(free_axes), "logits": {0: "batch"}},
            dynamo=False,
            opset_version=_OPSET,
        )
        content = folded(exported.read_bytes())
    exported_network = OnnxNetwork(content)
    for batch in _variations(example, free_axes):
        with torch.inference_mode():
            wanted = network(batch).numpy()
        worst = float(np.abs(exported_network(batch.numpy()) - wanted).max())
        if not worst <= _TOLERANCE:
            raise ExportError(f"the exported network is off by {worst:.2g}")
    return content


def free_axes_of(network: nn.Module) -> dict[int, str]:
    """Return which input axes of a network of this project may vary in length."""
    return {0: "batch", 1: "frames"} if isinstance(network, VoiceNetwork) else {0: "batch"}


def _variations(example: torch.Tensor, free_axes: Mapping[int, str]) -> Iterator[torch.Tensor]:
    """Yield a batch of three, and one cut to half along each other free axis."""
    batch = example.expand(3, *example.shape[1:]).contiguous()
    yield batch
    for axis in free_axes:
        if axis != 0:
            yield batch.narrow(axis, 0, batch.shape[axis] // 2).contiguous()
