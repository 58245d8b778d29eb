"""Reading TensorFlow.js weights: shapes and precisions, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.face.tensorflow_js import read_weights

HALVES = np.array([[0.5, -2.0, 8.0], [1.0, 0.25, -0.125]], np.float16)
WHOLES = np.array([3, 4], np.int32)


def model(folder: Path, entries: list[dict[str, Any]], content: bytes) -> Path:
    (folder / "weights.bin").write_bytes(content)
    path = folder / "model.json"
    manifest = [{"paths": ["weights.bin"], "weights": entries}]
    path.write_text(json.dumps({"weightsManifest": manifest}))
    return path


ENTRIES: list[dict[str, Any]] = [
    {
        "name": "a/kernel",
        "shape": [2, 3],
        "dtype": "float32",
        "quantization": {"dtype": "float16", "original_dtype": "float32"},
    },
    {"name": "axes", "shape": [2], "dtype": "int32"},
    {"name": "one", "shape": [], "dtype": "float32"},
]
CONTENT = HALVES.tobytes() + WHOLES.tobytes() + np.float32(7).tobytes()


def test_by_name(tmp_path: Path):
    """Each weight comes back in its shape as float32, whatever it is stored as."""
    weights = read_weights(model(tmp_path, ENTRIES, CONTENT))
    assert list(weights) == ["a/kernel", "axes", "one"]
    np.testing.assert_array_equal(weights["a/kernel"], HALVES.astype(np.float32))
    np.testing.assert_array_equal(weights["axes"], [3, 4])
    assert weights["one"] == 7
    assert {values.dtype for values in weights.values()} == {np.dtype(np.float32)}


def test_cut_short(tmp_path: Path):
    """A file that ends too early is refused by the weight that is missing."""
    with pytest.raises(ValueError, match="its weights end before one"):
        read_weights(model(tmp_path, ENTRIES, CONTENT[:-1]))


def test_unknown_precision(tmp_path: Path):
    """Weights stored in a way that is not known here are refused by name."""
    entry = {"name": "q", "shape": [1], "dtype": "float32", "quantization": {"dtype": "uint8"}}
    with pytest.raises(ValueError, match="q is stored as uint8"):
        read_weights(model(tmp_path, [entry], b"\0"))
