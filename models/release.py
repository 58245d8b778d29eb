"""Make trained weights servable: export each, and write the hashes into the manifest.

``python -m models.release``, after a training run has written a ``.pt`` file into ``weights/``.
It overwrites the ``.onnx`` files and the hashes in ``manifest.toml`` there, and of a network that
is new also the temperature and the gain, which ``python -m eval.calibrate`` then fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from models.command_line import CommandParser
from models.export import export_onnx, free_axes_of
from models.face.network import FACE_SIZE, FaceNetwork
from models.quantizing import quantized
from models.voice.features import SAMPLE_RATE_HZ, Mfcc
from models.voice.network import VoiceNetwork
from models.weights import (
    MANIFEST_PATH,
    WEIGHTS_FOLDER,
    read_manifest,
    sha256_of,
    write_calibration,
    write_hash,
)


def release(weights: Path, network: nn.Module, example: torch.Tensor) -> list[Path]:
    """Export ``weights`` (a state dict) beside itself, as it serves best; return both files."""
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    model = export_onnx(network, example, free_axes_of(network))
    if isinstance(network, VoiceNetwork):
        model = quantized(model, _mfcc_of_noise())
    exported = weights.with_suffix(".onnx")
    exported.write_bytes(model)
    return [weights, exported]


def _mfcc_of_noise(seconds: int = 16) -> npt.NDArray[np.float32]:
    """Return MFCC of noise that swells and fades, louder from second to second."""
    rng = np.random.default_rng(0)
    loudness = np.geomspace(0.01, 0.3, seconds)[:, None]
    swelling = 1 + np.sin(np.linspace(0, 20 * np.pi, SAMPLE_RATE_HZ))
    noise = rng.standard_normal((seconds, SAMPLE_RATE_HZ)) * loudness * swelling
    return Mfcc()(noise.astype(np.float32))


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
            write_calibration(MANIFEST_PATH, weights.stem, temperature=1.0, gain=0.0)
            print(f"{weights.stem} is new: fit its temperature with python -m eval.calibrate")


if __name__ == "__main__":
    main()
