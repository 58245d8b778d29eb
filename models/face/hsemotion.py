"""HSEmotion's ``enet_b2_7``, an EfficientNet-B2 for RGB faces, read safely and served as ONNX.

Savchenko, "Facial expression and attributes recognition based on multi-task learning of
lightweight neural networks", SISY 2021. Its authors publish a whole pickled timm model, which
current torch refuses and current timm cannot run; so only its tensors are taken from the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from models.download import download, partial_beside
from models.emotions import EMOTIONS
from models.face.pickled_network import DamagedWeightsError, read_state_dict
from models.weights import WeightsError, sha256_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import nn

FILE_NAME = "enet_b2_7.pt"
# The address at which the hsemotion package looks.
HSEMOTION_URL = (
    "https://github.com/HSE-asavchenko/face-emotion-recognition/blob/main/models/"
    f"affectnet_emotions/{FILE_NAME}?raw=true"
)
INPUT_SIZE = 260  # pixels, the side of a crop
# "tf": the padding of TensorFlow ("same"), with which the network was trained. Older timm calls
# the same network tf_efficientnet_b2_ns.
_TIMM_NAME = "tf_efficientnet_b2.ns_jft_in1k"


def cached_weights_path() -> Path:
    """Return where the hsemotion package keeps the file, so that either finds the other's copy."""
    return Path("~/.hsemotion").expanduser() / FILE_NAME


def locate(*, offline: bool, url: str = HSEMOTION_URL, folder: Path | None = None) -> Path:
    """Return the ONNX file of the weights on this machine, downloading them where need be.

    Blocks: up to 5 s without a network, about half a minute for the first conversion.

    Args:
        offline: never download.
        url: of the weights.
        folder: of the weights and the ONNX file; the hsemotion package's own when None.

    Raises:
        WeightsError: the weights cannot be had or are not usable.
    """
    weights = cached_weights_path() if folder is None else folder / FILE_NAME
    if not weights.is_file():
        if offline:
            raise WeightsError(
                f"{weights} is not there and --offline forbids to download it; put it there "
                "by hand, or use --face-model embedded"
            )
        download(url, weights, description=FILE_NAME, validate=_network_from)
    return onnx_from_weights(weights, weights.parent)


def onnx_from_weights(weights: Path, cache: Path) -> Path:
    """Return the ONNX file of ``weights`` in the folder ``cache``, made there the first time.

    Only the first time needs torch. The name holds the weights' hash, so other weights under the
    same name are converted anew.

    Raises:
        WeightsError: the weights are unsafe, damaged or of another kind, or a file cannot be
            read or written.
    """
    try:
        onnx = cached_onnx_path(weights, cache)
        if not onnx.is_file():
            content = _convert(weights)
            with partial_beside(onnx) as partial:
                partial.write_bytes(content)
                partial.replace(onnx)
    except OSError as error:
        raise WeightsError(
            f"{weights} could not be made ready for serving: {error}; make {cache} writable, or "
            "use --face-model embedded"
        ) from error
    return onnx


def cached_onnx_path(weights: Path, cache: Path) -> Path:
    """Return where the ONNX file of ``weights`` is kept: other weights have another place."""
    return cache / f"{weights.stem}-{sha256_of(weights)[:16]}.onnx"


def untrained_network() -> nn.Module:
    """Return an EfficientNet-B2 for seven classes with random weights."""
    from models.timm_import import import_timm

    network: nn.Module = import_timm().create_model(
        _TIMM_NAME, pretrained=False, num_classes=len(EMOTIONS)
    )
    return network


def build_network(state_dict: Mapping[str, torch.Tensor]) -> nn.Module:
    """Return the network in evaluation mode: float32 RGB (batch, 3, 260, 260) -> logits (batch, 7).

    Raises:
        DamagedWeightsError: the tensors are not those of an EfficientNet-B2 with seven classes.
    """
    network = untrained_network()
    given = {_without_head_index(name): tensor for name, tensor in state_dict.items()}
    wanted = network.state_dict()
    names = sorted(given.keys() | wanted.keys())
    wrong = [n for n in names if _shape(given.get(n)) != _shape(wanted.get(n))]
    if wrong:
        raise DamagedWeightsError(
            f"an EfficientNet-B2 with {len(EMOTIONS)} classes has other tensors: {len(wrong)} of "
            f"{len(names)} are missing, too many or of another shape, first of all {wrong[0]}; "
            f"put {FILE_NAME} in its place, or use --face-model embedded"
        )
    network.load_state_dict(given, strict=True)
    return network.eval()


def _network_from(weights: Path) -> nn.Module:
    tensors = read_state_dict(weights)
    try:
        return build_network(tensors)
    except DamagedWeightsError as error:
        raise DamagedWeightsError(f"{weights} is of another kind: {error}") from error


def _convert(weights: Path) -> bytes:
    import torch

    from models.export import ExportError, export_onnx

    network = _network_from(weights)
    noise = torch.Generator().manual_seed(0)
    crop = torch.randn(1, 3, INPUT_SIZE, INPUT_SIZE, generator=noise)
    try:
        return export_onnx(network, crop, {0: "batch"})
    except ExportError as error:
        raise DamagedWeightsError(
            f"{weights} could not be converted: {error}; get it anew, or use --face-model embedded"
        ) from error


def _without_head_index(name: str) -> str:
    # Some of HSEmotion's networks keep their last layer in an nn.Sequential of one.
    return name.replace("classifier.0.", "classifier.")


def _shape(tensor: torch.Tensor | None) -> tuple[int, ...] | None:
    return None if tensor is None else tuple(tensor.shape)
