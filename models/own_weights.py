"""Weights that a user names instead of ours: served where they fit, else refused in plain words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.emotions import EMOTIONS
from models.runtime import DeviceError, OnnxNetwork
from models.weights import NetworkFacts, WeightsError

if TYPE_CHECKING:
    from torch import nn


class OwnWeightsError(WeightsError):
    """The file that a user named cannot be served; the message says what is wrong with it."""


def own_network(
    path: Path,
    facts: NetworkFacts,
    build: Callable[[], nn.Module],
    example: npt.NDArray[np.float32],
    device: str,
) -> OnnxNetwork:
    """Load a torch state dict or an ONNX file in place of one of our networks.

    Args:
        path: of the file; ``.onnx`` is ONNX, anything else torch's.
        facts: of the network whose place it takes.
        build: makes an untrained network of that architecture.
        example: an input, float32, with a batch of one.
        device: "cpu" or "cuda".

    Raises:
        OwnWeightsError: the file is not there, cannot be read, or is not such a network's.
        models.runtime.DeviceError: the device is not available.
    """
    _check_readable(path)
    is_onnx = path.suffix == ".onnx"
    model = path if is_onnx else _exported(path, facts, build, example)
    try:
        network = OnnxNetwork(model, device)
    except DeviceError:
        raise
    except Exception as error:
        # ONNX Runtime has a dozen kinds of errors without a common one of its own.
        raise OwnWeightsError(f"{path} is no ONNX file that can be run") from error
    try:
        shape = network(example).shape
    except Exception as error:
        raise OwnWeightsError(_of_another(path, facts)) from error
    if shape != (1, len(EMOTIONS)):
        raise OwnWeightsError(f"{path} gives outputs of shape {shape}, not (1, {len(EMOTIONS)})")
    return network


def _check_readable(path: Path) -> None:
    if path.is_dir():
        raise OwnWeightsError(f"{path} is a folder; name a file, .pt or .onnx, or none for ours")
    try:
        path.open("rb").close()
    except FileNotFoundError as error:
        raise OwnWeightsError(
            f"{path} is missing; name weights that are there, or none for ours"
        ) from error
    except OSError as error:
        raise OwnWeightsError(f"{path} cannot be read: {error.strerror}") from error


def _exported(
    path: Path,
    facts: NetworkFacts,
    build: Callable[[], nn.Module],
    example: npt.NDArray[np.float32],
) -> bytes:
    """Return the ONNX form of a torch state dict."""
    import torch

    from models.export import ExportError, export_onnx, free_axes_of

    try:
        state_dict = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # What torch raises depends on how the file goes wrong; of code in it, it says much.
        raise OwnWeightsError(
            f"{path} is no torch weights file; one holds a state dict and nothing else, as "
            "torch.save(network.state_dict(), FILE) writes it"
        ) from error
    network = build()
    try:
        network.load_state_dict(state_dict)
    except (AttributeError, RuntimeError, TypeError) as error:
        raise OwnWeightsError(_of_another(path, facts)) from error
    try:
        return export_onnx(network, torch.from_numpy(example), free_axes_of(network))
    except ExportError as error:
        raise OwnWeightsError(f"{path} cannot be made ready for serving: {error}") from error


def _of_another(path: Path, facts: NetworkFacts) -> str:
    return f"{path} holds the weights of another network; those of one like {facts.name} are needed"
