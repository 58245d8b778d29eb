"""Read the weights of a TensorFlow.js graph model: the form in which some are published."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

_STORED = {name: np.dtype(name) for name in ("float32", "float16", "int32")}


def read_weights(model: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Return a model's weights by name, each as float32 in its own shape.

    Args:
        model: the ``.json`` file, beside which lie the files that its weights manifest names.

    Raises:
        ValueError: the weights are stored in a way this reader does not know, or not all there.
    """
    weights = {}
    for group in json.loads(model.read_text())["weightsManifest"]:
        content = b"".join((model.parent / path).read_bytes() for path in group["paths"])
        offset = 0
        for entry in group["weights"]:
            stored = entry.get("quantization", entry)["dtype"]
            if stored not in _STORED:
                raise ValueError(f"{model}: {entry['name']} is stored as {stored}")
            count = math.prod(entry["shape"])
            if offset + count * _STORED[stored].itemsize > len(content):
                raise ValueError(f"{model}: its weights end before {entry['name']}")
            values = np.frombuffer(content, _STORED[stored], count, offset)
            offset += values.nbytes
            weights[entry["name"]] = values.astype(np.float32).reshape(entry["shape"])
    return weights
