"""An EfficientNet-B2 in HSEmotion's place: of the same shape and cost, with random weights."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from models.export import export_onnx
from models.face.hsemotion import FILE_NAME, INPUT_SIZE, cached_onnx_path, untrained_network


@contextlib.contextmanager
def home_with_efficientnet() -> Iterator[Path]:
    """Give a home folder in which a server finds such a network, ready for serving."""
    import torch

    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        weights = home / ".hsemotion" / FILE_NAME
        weights.parent.mkdir()
        weights.write_bytes(b"random; never read, since its export is there")
        crop = torch.randn(1, 3, INPUT_SIZE, INPUT_SIZE)
        exported = export_onnx(untrained_network().eval(), crop, {0: "batch"})
        cached_onnx_path(weights, weights.parent).write_bytes(exported)
        yield home
