"""HSEmotion's network, proven with a stand-in: same architecture and kind of file, own numbers."""

from __future__ import annotations

import functools
import http.server
import io
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from models.emotions import softmax
from models.face.hsemotion import (
    FILE_NAME,
    build_network,
    cached_weights_path,
    locate,
    onnx_from_weights,
)
from models.face.pickled_network import DamagedWeightsError, read_state_dict
from models.runtime import OnnxNetwork
from models.weights import WeightsError
from tests.models.face.stand_in import Call, as_input, crop, write_stand_in

ROOT = Path(__file__).resolve().parents[3]


class StandIn(NamedTuple):
    """A pickled network, and the ONNX file that came of downloading and converting it."""

    weights: Path
    onnx: Path
    url: str
    progress: str


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Give a folder that is served over loopback HTTP, and its address."""
    folder = tmp_path_factory.mktemp("origin")
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def stand_in(origin: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    """Download and convert a stand-in once, as the first start of a server does."""
    folder, url = origin
    write_stand_in(folder / FILE_NAME)
    home = tmp_path_factory.mktemp("hsemotion")
    shown = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", shown)
        onnx = locate(offline=False, url=f"{url}/{FILE_NAME}", folder=home)
    assert onnx is not None
    return StandIn(home / FILE_NAME, onnx, f"{url}/{FILE_NAME}", shown.getvalue())


def probabilities(onnx: Path, picture: np.ndarray) -> np.ndarray:
    return softmax(OnnxNetwork(onnx)(as_input(picture)))[0]


def test_download_with_progress(stand_in: StandIn):
    """The weights are downloaded with a progress bar, and only they and their export are left."""
    assert f"{FILE_NAME}: 100%" in stand_in.progress
    assert sorted(stand_in.weights.parent.iterdir()) == sorted([stand_in.weights, stand_in.onnx])


def test_same_as_hsemotion(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The exported network gives the probabilities of the hsemotion package's own recogniser."""
    (tmp_path / ".hsemotion").mkdir()
    (tmp_path / ".hsemotion" / FILE_NAME).symlink_to(stand_in.weights)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cached_weights_path() == tmp_path / ".hsemotion" / FILE_NAME
    # The package calls a bare torch.load, which refuses whole networks; this one is our own.
    trusting = functools.partial(torch.load, weights_only=False)
    monkeypatch.setattr(torch, "load", trusting)
    from hsemotion.facial_emotions import HSEmotionRecognizer

    recognizer = HSEmotionRecognizer("enet_b2_7")
    _, wanted = recognizer.predict_emotions(crop(), logits=False)
    given = probabilities(stand_in.onnx, crop())
    assert np.abs(given - wanted).max() < 1e-4
    assert given.max() - given.min() > 0.05  # else the comparison says nothing
    swapped = probabilities(stand_in.onnx, crop()[:, :, ::-1])
    assert np.abs(swapped - wanted).max() > 0.01


def test_free_batch(stand_in: StandIn):
    """Several faces are taken at once, and each gets the scores it gets alone."""
    pictures = [crop(), crop()[::-1], crop()[:, ::-1]]
    batch = np.concatenate([as_input(picture) for picture in pictures])
    together = softmax(OnnxNetwork(stand_in.onnx)(batch))
    alone = np.stack([probabilities(stand_in.onnx, picture) for picture in pictures])
    assert together.shape == (3, 7)
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_later_start_needs_no_torch(stand_in: StandIn):
    """Once converted, the weights are served offline and without importing torch."""
    program = (
        "import sys; from pathlib import Path; from models.face.hsemotion import locate; "
        "print(locate(offline=True, folder=Path(sys.argv[1])), 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(stand_in.weights.parent)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(stand_in.onnx), "False"]


def test_written_by_older_timm(tmp_path: Path):
    """A network that timm 0.9 pickled, which timm 1 cannot run, gives what timm 0.9 computed."""
    older, weights = tmp_path / "timm", tmp_path / FILE_NAME
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    installed = subprocess.run(
        [*pip, "--target", str(older), "timm==0.9.16"], capture_output=True, text=True, check=False
    )
    if installed.returncode != 0:
        assert os.environ.get("CI_REQUIRED_ALL") != "1", installed.stderr
        pytest.skip("pip cannot install timm 0.9.16 here")
    program = (
        "import sys; sys.path[:0] = sys.argv[2:]; from pathlib import Path; "
        "from tests.models.face.stand_in import write_stand_in; write_stand_in(Path(sys.argv[1])); "
        "import timm; print(timm.__version__)"
    )
    paths = [str(older), str(ROOT)]
    command = [sys.executable, "-c", program, str(weights), *paths]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == "0.9.16"
    given = build_network(read_state_dict(weights))(torch.from_numpy(as_input(crop())))
    np.testing.assert_allclose(
        given.detach().numpy(), np.load(weights.with_suffix(".npy")), atol=1e-5
    )


@pytest.fixture(params=["truncated", "flipped byte", "web page", "empty", "other zip", "8 classes"])
def damaged(request: pytest.FixtureRequest, stand_in: StandIn) -> bytes:
    """Give the content of a file that is not the weights."""
    whole = stand_in.weights.read_bytes()
    other = io.BytesIO()
    if request.param == "8 classes":
        tensors = read_state_dict(stand_in.weights)
        tensors["classifier.bias"] = torch.zeros(8)
        torch.save(tensors, other)
    else:
        with zipfile.ZipFile(other, "w") as archive:
            archive.writestr("readme.txt", "hello")
    contents = {
        "truncated": whole[: len(whole) // 2],
        "flipped byte": whole[:9_000_001] + bytes([whole[9_000_001] ^ 255]) + whole[9_000_002:],
        "web page": b"<!DOCTYPE html><html>",
        "empty": b"",
    }
    return contents.get(request.param, other.getvalue())


def test_damaged_download(origin: tuple[Path, str], damaged: bytes, tmp_path: Path):
    """A damaged download is refused, leaves no file behind, and names what to do."""
    folder, url = origin
    (folder / "damaged.pt").write_bytes(damaged)
    with pytest.raises(WeightsError, match="--face-model embedded"):
        locate(offline=False, url=f"{url}/damaged.pt", folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_damaged_file(damaged: bytes, tmp_path: Path):
    """A damaged file on the machine is refused by name, and left as it is."""
    weights = tmp_path / FILE_NAME
    weights.write_bytes(damaged)
    with pytest.raises(DamagedWeightsError, match=str(weights)):
        locate(offline=True, folder=tmp_path)
    assert list(tmp_path.iterdir()) == [weights]


def test_unsafe_file(tmp_path: Path):
    """An unsafe file on the machine is refused with what it wanted, which is not done."""
    torch.save(Call(os.system, f"touch {tmp_path / 'ran'}"), tmp_path / FILE_NAME)
    with pytest.raises(WeightsError, match=r"posix\.system"):
        locate(offline=True, folder=tmp_path)
    assert not (tmp_path / "ran").exists()


def test_offline_without_weights(tmp_path: Path):
    """Offline, without weights on the machine, nothing is tried."""
    with pytest.raises(WeightsError, match="--offline"):
        locate(offline=True, url="http://127.0.0.1:9/x", folder=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_no_network(tmp_path: Path):
    """Without a server to download from, the reason is given and nothing is left behind."""
    with pytest.raises(WeightsError, match="could not download"):
        locate(offline=False, url="http://127.0.0.1:9/x", folder=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_head_in_sequential(stand_in: StandIn):
    """Weights whose last layer sits in a sequence of one, as some of HSEmotion's do, fit too."""
    tensors = read_state_dict(stand_in.weights)
    wanted = build_network(tensors).state_dict()
    renamed = {n.replace("classifier.", "classifier.0."): t for n, t in tensors.items()}
    given = build_network(renamed).state_dict()
    assert torch.equal(given["classifier.weight"], wanted["classifier.weight"])


def test_cache_not_writable(stand_in: StandIn, tmp_path: Path):
    """A place that cannot be written to is named."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WeightsError, match="writable"):
        onnx_from_weights(stand_in.weights, tmp_path / "file")
