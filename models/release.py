"""Make trained weights servable: export each, and write the hashes into the manifest.

``python -m models.release``, after a training run has written a ``.pt`` file into ``weights/``.
It overwrites the ``.onnx`` files and the hashes in ``manifest.toml`` there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from models.command_line import CommandParser
from models.export import export_onnx, free_axes_of
from models.face.network import FACE_SIZE, FaceNetwork
from models.voice.network import VoiceNetwork
from models.weights import (
    MANIFEST_PATH,
    WEIGHTS_FOLDER,
    read_manifest,
    sha256_of,
    write_hash,
    write_temperature,
)


def release(weights: Path, network: nn.Module, example: torch.Tensor) -> list[Path]:
    """Export ``weights`` (a state dict) beside itself; return both files."""
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    exported = weights.with_suffix(".onnx")
    exported.write_bytes(export_onnx(network, example, free_axes_of(network)))
    return [weights, exported]


def main(argv: Sequence[str] | None = None) -> None:
    """Release both networks that the project trains."""
    CommandParser(prog="models.release", description=__doc__).parse_args(argv)
    networks: list[tuple[str, nn.Module, torch.Tensor]] = [
        ("audio_bilstm.pt", VoiceNetwork(), torch.randn(1, 101, 40)),
        ("face_mobilenetv3.pt", FaceNetwork(), torch.rand(1, 1, FACE_SIZE, FACE_SIZE)),
    ]
    for name, network, example in networks:
        weights = WEIGHTS_FOLDER / name
        facts = read_manifest()[weights.stem]
        for file in release(weights, network, example):
            write_hash(MANIFEST_PATH, file)
            print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB")
        if facts.files[name] != sha256_of(weights):
            write_temperature(MANIFEST_PATH, weights.stem, 1.0)
            print(f"{weights.stem} is new: fit its temperature with python -m eval.calibrate")


if __name__ == "__main__":
    main()
