"""From weight files to a running engine: verify, load, refuse what does not fit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.download import DownloadError
from models.engine import InferenceEngine
from models.face.crop import FaceInput
from models.face.detector import FaceDetector
from models.face.hsemotion import cached_weights_path, locate
from models.face.predictor import FaceClassifier, FacePredictor
from models.own_weights import own_network
from models.runtime import DeviceError, OnnxNetwork
from models.voice.features import SAMPLE_RATE_HZ, Mfcc
from models.voice.predictor import VoicePredictor
from models.weights import (
    MANIFEST_PATH,
    WEIGHTS_FOLDER,
    NetworkFacts,
    WeightsError,
    read_manifest,
    verified,
)

if TYPE_CHECKING:
    from torch import nn

_log = logging.getLogger(__name__)

VOICE = "audio_bilstm"
EMBEDDED_FACE = "face_mobilenetv3"
HSEMOTION_FACE = "enet_b2_7"


@dataclass(frozen=True)
class ModelConfig:
    """Which weights to serve.

    Attributes:
        voice_weights: .pt (torch state dict) or .onnx file of the voice network.
        face_weights: the same for the embedded face network.
        face_model: "embedded", "hsemotion", or "auto": HSEmotion if it can be had, else embedded;
            but whoever names ``face_weights`` of their own gets those.
        face_device: "cpu" or "cuda", for the face network.
        offline: never try to download.
    """

    voice_weights: Path = WEIGHTS_FOLDER / "audio_bilstm.pt"
    face_weights: Path = WEIGHTS_FOLDER / "face_mobilenetv3.pt"
    face_model: str = "auto"
    face_device: str = "cpu"
    offline: bool = False

    def __post_init__(self) -> None:
        if self.face_model not in {"auto", "hsemotion", "embedded"}:
            raise ValueError(f"face_model is auto, hsemotion or embedded, not {self.face_model}")
        if self.face_device not in {"cpu", "cuda"}:
            raise ValueError(f"face_device is cpu or cuda, not {self.face_device}")


@dataclass(frozen=True)
class LoadedModels:
    """Both predictors, and the names under which log, page and ``/healthz`` show their networks."""

    voice: VoicePredictor
    face: FacePredictor
    classifier: FaceClassifier
    voice_name: str
    face_name: str


def load_models(config: ModelConfig) -> LoadedModels:
    """Load what ``config`` asks for. Takes seconds; a download, where one is tried, takes longer.

    Raises:
        WeightsError: weights are missing, damaged, or of another kind; those that ``config`` names
            are refused with its subclass ``models.own_weights.OwnWeightsError``.
        models.runtime.DeviceError: the device is not available.
    """
    manifest = read_manifest()
    voice, voice_name = _load_voice(config, manifest[VOICE])
    classifier, face_name = _load_face(config, manifest)
    return LoadedModels(
        voice, FacePredictor(FaceDetector(), classifier), classifier, voice_name, face_name
    )


async def start_engine(models: LoadedModels) -> InferenceEngine:
    """Start the inference thread and warm it up."""
    engine = InferenceEngine(models.voice, models.face, models.voice.gain)
    await engine.warm_up()
    return engine


def _load_voice(config: ModelConfig, facts: NetworkFacts) -> tuple[VoicePredictor, str]:
    if facts.facts.get("sample_rate_hz") != SAMPLE_RATE_HZ:
        raise WeightsError(f"{facts.name} is not for {SAMPLE_RATE_HZ} Hz, says {MANIFEST_PATH}")
    mfcc = Mfcc()
    window = np.zeros((1, 101, mfcc.config.coefficients), np.float32)
    network = _network(config.voice_weights, facts, _voice_network, window, "cpu")
    temperature = _temperature(config.voice_weights, facts)
    gain = facts.gain if _is_shipped(config.voice_weights, facts) else 0.0
    predictor = VoicePredictor(network, facts.order, mfcc, temperature, gain)
    return predictor, _name(config.voice_weights, facts)


def _load_face(
    config: ModelConfig, manifest: dict[str, NetworkFacts]
) -> tuple[FaceClassifier, str]:
    own_weights = config.face_weights.resolve() != ModelConfig.face_weights.resolve()
    if config.face_model == "hsemotion" or (config.face_model == "auto" and not own_weights):
        facts = manifest[HSEMOTION_FACE]
        if (hsemotion := _hsemotion(config, facts)) is not None:
            return hsemotion, facts.name
    facts = manifest[EMBEDDED_FACE]
    face_input = _face_input(facts)
    crop = np.zeros((1, len(face_input.mean), face_input.size, face_input.size), np.float32)
    network = _network(config.face_weights, facts, _face_network, crop, config.face_device)
    temperature = _temperature(config.face_weights, facts)
    classifier = FaceClassifier(network, facts.order, face_input, temperature)
    return classifier, _name(config.face_weights, facts)


def _hsemotion(config: ModelConfig, facts: NetworkFacts) -> FaceClassifier | None:
    """Load HSEmotion's network; None where it is only preferred and cannot be had or used."""
    try:
        network = OnnxNetwork(locate(offline=config.offline), config.face_device)
    except DeviceError:
        raise
    except Exception as error:
        # Whatever is wrong with a file that is not ours must not keep the server from starting.
        if config.face_model == "hsemotion":
            raise WeightsError(f"HSEmotion cannot be used: {error}") from error
        _log.warning(
            "HSEmotion's face network %s, so the embedded one is used; "
            "--face-model embedded stops looking for it",
            _fault(error, config),
        )
        _log.debug("HSEmotion is not used: %s", error)
        return None
    return FaceClassifier(network, facts.order, _face_input(facts), facts.temperature)


def _fault(error: Exception, config: ModelConfig) -> str:
    """Say in a few words why HSEmotion is not used, at length only of a file that is there."""
    if isinstance(error, DownloadError):
        return "could not be downloaded"
    if config.offline and not cached_weights_path().is_file():
        return "is not on this machine"
    return f"cannot be used ({error})"


def _network(
    path: Path,
    facts: NetworkFacts,
    build: Callable[[], nn.Module],
    example: npt.NDArray[np.float32],
    device: str,
) -> OnnxNetwork:
    """Load shipped weights by their verified serving export, anybody else's by what they are."""
    if _is_shipped(path, facts):
        path = verified(path.resolve(), facts)
        return OnnxNetwork(verified(path.with_suffix(".onnx"), facts), device)
    return own_network(path, facts, build, example, device)


def _voice_network() -> nn.Module:
    from models.voice.network import VoiceNetwork

    return VoiceNetwork()


def _face_network() -> nn.Module:
    from models.face.network import FaceNetwork

    return FaceNetwork()


def _face_input(facts: NetworkFacts) -> FaceInput:
    table = facts.facts
    try:
        return FaceInput(
            size=int(table["size"]),
            grey=bool(table["grey"]),
            mean=tuple(table["mean"]),
            deviation=tuple(table["deviation"]),
            scale=float(table["crop_scale"]),
            shift=float(table["crop_shift"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"{MANIFEST_PATH} says of {facts.name} not all that is needed ({error!r}); "
            "restore it with: git checkout -- weights/manifest.toml"
        ) from error


def _name(path: Path, facts: NetworkFacts) -> str:
    return facts.name if _is_shipped(path, facts) else path.name


def _temperature(path: Path, facts: NetworkFacts) -> float:
    """The manifest's temperature was fitted for our weights; nobody's else is known."""
    return facts.temperature if _is_shipped(path, facts) else 1.0


def _is_shipped(path: Path, facts: NetworkFacts) -> bool:
    return path.resolve().parent == WEIGHTS_FOLDER.resolve() and path.name in facts.files
