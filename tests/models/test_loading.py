"""From weight files to predictors: ours are verified, anybody else's must fit."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import models.loading
from models.export import export_onnx
from models.face.network import FaceNetwork
from models.loading import LoadedModels, ModelConfig, load_models
from models.own_weights import OwnWeightsError
from models.runtime import DeviceError, OnnxNetwork
from models.voice.network import VoiceNetwork
from models.weights import WEIGHTS_FOLDER, WeightsError

SIDES = ("voice", "face")
WINDOW = np.random.default_rng(0).standard_normal(16_000).astype(np.float32) * np.float32(0.1)
CROP = np.random.default_rng(1).random((1, 48, 48), np.float32)


def config(side: str, path: Path, **others: Any) -> ModelConfig:
    """Return a configuration with a user's own weights for one side."""
    return ModelConfig(face_model="embedded", **{f"{side}_weights": path}, **others)


def refused(side: str, path: Path) -> str:
    """Return the message with which weights are refused, having checked that it names them."""
    with pytest.raises(OwnWeightsError) as caught:
        load_models(config(side, path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def fresh(side: str) -> torch.nn.Module:
    """Return a network of the served architecture with random weights that do not all agree."""
    torch.manual_seed(3)
    network = VoiceNetwork() if side == "voice" else FaceNetwork()
    if isinstance(network, FaceNetwork):
        torch.nn.init.normal_(network.backbone.classifier.weight)
    return network.eval()


def scores(loaded: LoadedModels, side: str) -> np.ndarray:
    if side == "voice":
        return loaded.voice.predict([WINDOW])[0]
    return loaded.classifier.classify([CROP])[0]


def test_shipped(models: LoadedModels):
    """The shipped weights give probabilities, under the names that log and page show."""
    assert (models.voice_name, models.face_name) == ("audio_bilstm", "face_mobilenetv3")
    for side in SIDES:
        given = scores(models, side)
        assert given.shape == (7,)
        assert given.dtype == np.float32
        assert given.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("side", SIDES)
def test_temperature(side: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Shipped weights are served with the temperature of the manifest, anybody else's with none."""
    name = models.loading.VOICE if side == "voice" else models.loading.EMBEDDED_FACE
    manifest = models.loading.read_manifest()
    shipped = WEIGHTS_FOLDER / f"{name}.onnx"
    copied = Path(shutil.copy(shipped, tmp_path / "own.onnx"))
    own = scores(load_models(config(side, copied)), side)

    hotter = {**manifest, name: replace(manifest[name], temperature=2.0)}
    monkeypatch.setattr(models.loading, "read_manifest", lambda: hotter)
    softened = scores(load_models(config(side, shipped)), side)
    wanted = np.sqrt(own) / np.sqrt(own).sum()
    np.testing.assert_allclose(softened, wanted, atol=1e-5)
    np.testing.assert_array_equal(scores(load_models(config(side, copied)), side), own)


def test_windows_of_different_length(models: LoadedModels):
    """Windows of different lengths in one batch each get the scores they get alone, in order."""
    windows = [WINDOW, WINDOW[:8000], WINDOW[4000:], WINDOW[8000:], WINDOW[::-1].copy()]
    together = models.voice.predict(windows)
    for window, given in zip(windows, together, strict=True):
        np.testing.assert_allclose(given, models.voice.predict([window])[0], atol=1e-5)
    assert np.ptp(together, axis=0).max() > 0.001  # else the order would not show


@pytest.mark.parametrize("damage", ["missing", "flipped byte"])
@pytest.mark.parametrize(
    "name",
    ["audio_bilstm.pt", "audio_bilstm.onnx", "face_mobilenetv3.pt", "face_mobilenetv3.onnx"],
)
def test_shipped_but_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, damage: str
):
    """Shipped weights of which either file is missing or damaged are not served, with a remedy."""
    for path in [*WEIGHTS_FOLDER.glob("*.pt"), *WEIGHTS_FOLDER.glob("*.onnx")]:
        shutil.copy(path, tmp_path)
    damaged = tmp_path / name
    if damage == "missing":
        damaged.unlink()
    else:
        content = bytearray(damaged.read_bytes())
        content[len(content) // 2] ^= 1
        damaged.write_bytes(content)
    monkeypatch.setattr(models.loading, "WEIGHTS_FOLDER", tmp_path)
    served = ModelConfig(tmp_path / "audio_bilstm.pt", tmp_path / "face_mobilenetv3.pt", "embedded")
    with pytest.raises(WeightsError) as caught:
        load_models(served)
    assert str(damaged) in str(caught.value)
    assert f"git checkout -- weights/{name}" in str(caught.value)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("suffix", [".pt", ".onnx"])
def test_own_weights(tmp_path: Path, side: str, suffix: str):
    """A user's own weights of the same architecture are served, as torch computes them."""
    network = fresh(side)
    path = tmp_path / f"own{suffix}"
    example = torch.zeros(1, 101, 40) if side == "voice" else torch.zeros(1, 1, 48, 48)
    if suffix == ".pt":
        torch.save(network.state_dict(), path)
    else:
        free_axes = {0: "batch", 1: "frames"} if side == "voice" else {0: "batch"}
        path.write_bytes(export_onnx(network, example, free_axes))
    loaded = load_models(config(side, path))
    names = {"voice": loaded.voice_name, "face": loaded.face_name}
    assert names.pop(side) == path.name
    assert str(tmp_path) not in str(names)
    if side == "voice":
        subject = torch.from_numpy(loaded.voice._mfcc(WINDOW))[None]
    else:
        subject = torch.from_numpy(CROP)[None]
    with torch.inference_mode():
        wanted = network(subject).softmax(1)[0].numpy()
    np.testing.assert_allclose(scores(loaded, side), wanted, atol=1e-4)


def test_half_precision(tmp_path: Path):
    """Weights stored in half precision, as ours of the face are, are served."""
    network = fresh("face")
    path = tmp_path / "half.pt"
    whole = network.state_dict()
    torch.save({n: t.half() if t.is_floating_point() else t for n, t in whole.items()}, path)
    assert load_models(config("face", path)).face_name == path.name


@pytest.mark.parametrize("side", SIDES)
def test_another_architecture(tmp_path: Path, side: str):
    """What torch saved of another network, or of none, is refused."""
    path = tmp_path / "other.pt"
    for saved in (torch.nn.Linear(40, 7).state_dict(), torch.zeros(3)):
        torch.save(saved, path)
        assert "holds the weights of another network" in refused(side, path)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("suffix", [".pt", ".onnx"])
def test_the_other_sides_weights(side: str, suffix: str):
    """Voice and face weights that are mixed up are refused."""
    mixed_up = {"voice": "face_mobilenetv3", "face": "audio_bilstm"}
    said = refused(side, WEIGHTS_FOLDER / f"{mixed_up[side]}{suffix}")
    assert "holds the weights of another network" in said
    assert "state_dict" not in said


@pytest.mark.parametrize("content", ["", "these are not weights\n"])
@pytest.mark.parametrize(
    ("name", "kind"),
    [("text.pt", "torch weights"), ("text.onnx", "ONNX"), ("text", "torch weights")],
)
@pytest.mark.parametrize("side", SIDES)
def test_text_file(tmp_path: Path, side: str, name: str, kind: str, content: str):
    """A text file is no weights, whatever it is called, nor is an empty one."""
    path = tmp_path / name
    path.write_text(content)
    said = refused(side, path)
    assert f"is no {kind} file" in said
    assert "arbitrary code" not in said


@pytest.mark.parametrize("side", SIDES)
def test_missing_path(tmp_path: Path, side: str):
    """A path where nothing is is called missing, and a folder a folder."""
    assert "is missing" in refused(side, tmp_path / "none.pt")
    assert "is a folder" in refused(side, tmp_path)


@pytest.mark.parametrize("classes", [6, 8])
def test_wrong_output_size(tmp_path: Path, classes: int):
    """An ONNX network with another number of classes is refused."""
    path = tmp_path / "other.onnx"
    other = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48 * 48, classes))
    path.write_bytes(export_onnx(other, torch.zeros(1, 1, 48, 48), {0: "batch"}))
    message = refused("face", path)
    assert f"(1, {classes})" in message
    assert "(1, 7)" in message


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function: Any, *args: Any) -> None:
        self._call = function, args

    def __reduce__(self) -> tuple[Any, ...]:
        return self._call


@pytest.mark.parametrize("kind", ["torch", "old torch", "plain"])
def test_pickle_that_runs_code(tmp_path: Path, kind: str):
    """Weights that would run a program when read are refused, and nothing runs."""
    marker, path = tmp_path / "ran", tmp_path / "attack.pt"
    attack = {"mean": torch.zeros(40), "x": Call(os.system, f"touch {marker}")}
    if kind == "plain":
        path.write_bytes(pickle.dumps(attack["x"]))
    else:
        torch.save(attack, path, _use_new_zipfile_serialization=kind == "torch")
    assert zipfile.is_zipfile(path) == (kind == "torch")
    assert "is no torch weights file" in refused("voice", path)
    assert not marker.exists()


def test_whole_pickled_network(tmp_path: Path):
    """A whole network instead of its state dict is refused, as reading it would run its code."""
    path = tmp_path / "whole.pt"
    torch.save(torch.nn.Linear(2, 2), path)
    assert "is no torch weights file; one holds a state dict" in refused("voice", path)


def test_weights_that_diverged(tmp_path: Path):
    """Weights that are not numbers are refused instead of served."""
    state = fresh("voice").state_dict()
    state["classifier.1.bias"][:] = float("nan")
    path = tmp_path / "nan.pt"
    torch.save(state, path)
    assert "cannot be made ready for serving" in refused("voice", path)


def test_device_that_is_not_there():
    """A device that is not there is refused by name, with what can be used instead."""
    with pytest.raises(DeviceError, match=r"'cuda'.*use cpu"):
        load_models(ModelConfig(face_model="embedded", face_device="cuda"))
    with pytest.raises(DeviceError, match="'tpu'"):
        OnnxNetwork(WEIGHTS_FOLDER / "audio_bilstm.onnx", "tpu")


def test_device_that_is_not_there_for_own_weights(tmp_path: Path):
    """With a user's own weights, too, the device is blamed and not the weights."""
    path = tmp_path / "own.onnx"
    shutil.copy(WEIGHTS_FOLDER / "face_mobilenetv3.onnx", path)
    with pytest.raises(DeviceError):
        load_models(config("face", path, face_device="cuda"))


@pytest.mark.parametrize("model", ["auto", "hsemotion"])
def test_without_hsemotion(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    model: str,
):
    """Offline and without HSEmotion, auto serves the embedded network; hsemotion is an error."""
    monkeypatch.setenv("HOME", str(tmp_path))
    wanted = ModelConfig(face_model=model, offline=True)
    if model == "auto":
        assert load_models(wanted).face_name == "face_mobilenetv3"
        assert "HSEmotion's face network is not on this machine" in caplog.text
    else:
        with pytest.raises(WeightsError, match="--face-model embedded"):
            load_models(wanted)
    assert not list(tmp_path.iterdir())


def test_hsemotion_out_of_reach_is_one_calm_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Where it cannot be downloaded a short line says what serves; the reason is for debugging."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # where nobody answers
    caplog.set_level("DEBUG", "models")
    assert load_models(ModelConfig()).face_name == "face_mobilenetv3"
    (line,) = [record.getMessage() for record in caplog.records if record.levelname != "DEBUG"]
    assert "could not be downloaded, so the embedded one is used" in line
    assert "--face-model embedded" in line
    assert len(line) < 150
    assert "://" not in line
    (detail,) = [record.getMessage() for record in caplog.records if record.levelname == "DEBUG"]
    assert "https://github.com" in detail


def test_a_damaged_hsemotion_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """A file that is there and cannot be used is not passed over without its name."""
    monkeypatch.setenv("HOME", str(tmp_path))
    damaged = tmp_path / ".hsemotion" / "enet_b2_7.pt"
    damaged.parent.mkdir()
    damaged.write_text("half a file")
    assert load_models(ModelConfig(offline=True)).face_name == "face_mobilenetv3"
    assert f"cannot be used ({damaged}" in caplog.text


def test_shipped_weights_need_no_torch():
    """Serving the shipped weights imports no torch, which takes seconds and memory."""
    import subprocess

    program = (
        "import sys; from models.loading import ModelConfig, load_models; "
        "load_models(ModelConfig(face_model='embedded')); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=WEIGHTS_FOLDER.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"
