"""The weights that ship with the project: their facts, from a manifest, and their integrity."""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.emotions import canonical_order

WEIGHTS_FOLDER = Path(__file__).resolve().parent.parent / "weights"
MANIFEST_PATH = WEIGHTS_FOLDER / "manifest.toml"


class WeightsError(RuntimeError):
    """Weights are missing, damaged or of another kind; the message names file and remedy."""


@dataclass(frozen=True)
class NetworkFacts:
    """What belongs to a weight file, as its table in the manifest states it.

    Attributes:
        name: of the network, as log, page and ``/healthz`` show it.
        labels: the network's own classes, in the order of its outputs.
        order: where each canonical emotion stands in ``labels``.
        files: file name -> sha256, for the torch weights and the serving export.
        temperature: what the logits are divided by, above 0, so that a probability of 0.8 is right
            in 80 of 100 cases (Guo et al., "On calibration of modern neural networks", 2017).
        gain: how much surer than each the mean of several results is; see
            ``models.smoothing.pooled``. 0 for a face, whose pictures say nearly the same.
        facts: everything else in the table: preprocessing, licence, training data.
    """

    name: str
    labels: tuple[str, ...]
    order: tuple[int, ...]
    files: dict[str, str]
    temperature: float
    gain: float
    facts: dict[str, Any]


def read_manifest(path: Path = MANIFEST_PATH) -> dict[str, NetworkFacts]:
    """Read the manifest: network name -> facts.

    Raises:
        WeightsError: the manifest is missing or damaged, or a network's labels are not the seven.
    """
    try:
        tables = tomllib.loads(path.read_text())["networks"]
        return {name: _facts(name, table) for name, table in tables.items()}
    except (
        OSError,
        tomllib.TOMLDecodeError,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        raise WeightsError(
            f"{path} is unusable ({error}); restore it with: {_remedy(path)}"
        ) from error


def verified(path: Path, facts: NetworkFacts) -> Path:
    """Return ``path`` when its content is what the manifest says.

    Raises:
        WeightsError: the file is missing, or its sha256 is another.
    """
    if not path.is_file():
        raise WeightsError(f"{path} is missing; restore it with: {_remedy(path)}")
    wanted = facts.files.get(path.name)
    if wanted != sha256_of(path):
        raise WeightsError(
            f"{path} is damaged: its sha256 is not the one in manifest.toml; restore it with: "
            f"{_remedy(path)} (or, after training it anew: python -m models.release)"
        )
    return path


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_hash(manifest: Path, file: Path) -> None:
    """Replace the hash that stands beside the file's name in the manifest.

    Raises:
        ValueError: the manifest does not name the file.
    """
    line = re.compile(rf'^"{re.escape(file.name)}" = ".*"$', re.MULTILINE)
    text, count = line.subn(f'"{file.name}" = "{sha256_of(file)}"', manifest.read_text())
    if count != 1:
        raise ValueError(f"{manifest} does not name {file.name} once")
    manifest.write_text(text)


def write_calibration(manifest: Path, network: str, temperature: float, gain: float) -> None:
    """Replace the temperature and the gain in a network's table of the manifest.

    Raises:
        ValueError: the manifest has no such table, or not both in it.
    """
    line = re.compile(
        rf"^(\[networks\.{re.escape(network)}\]\n(?:(?!\[).*\n)*?)"
        r"temperature = \S+\ngain = \S+",
        re.MULTILINE,
    )
    fitted = rf"\g<1>temperature = {temperature:.3f}\ngain = {gain:.3f}"
    text, count = line.subn(fitted, manifest.read_text())
    if count != 1:
        raise ValueError(f"{manifest} has no temperature and gain of {network}")
    manifest.write_text(text)


def _facts(name: str, table: dict[str, Any]) -> NetworkFacts:
    labels = tuple(table["labels"])
    temperature = float(table["temperature"])
    if not 0 < temperature < math.inf:
        raise ValueError(f"the temperature of {name} must be above 0, not {temperature}")
    gain = float(table["gain"])
    if not 0 <= gain < math.inf:
        raise ValueError(f"the gain of {name} must be 0 or more, not {gain}")
    named = {"labels", "files", "temperature", "gain"}
    rest = {key: value for key, value in table.items() if key not in named}
    files = dict(table.get("files", {}))
    return NetworkFacts(name, labels, canonical_order(labels), files, temperature, gain, rest)


def _remedy(path: Path) -> str:
    return f"git checkout -- weights/{path.name}"
