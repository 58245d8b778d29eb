"""The manifest and the files it vouches for: facts are read, damage is named with its remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from models.emotions import EMOTIONS
from models.voice.train import VALIDATION_ACTORS
from models.weights import (
    MANIFEST_PATH,
    WEIGHTS_FOLDER,
    NetworkFacts,
    WeightsError,
    read_manifest,
    sha256_of,
    verified,
    write_calibration,
    write_hash,
)

NETWORKS = ("audio_bilstm", "face_mobilenetv3", "enet_b2_7")
SHIPPED = ("audio_bilstm.pt", "audio_bilstm.onnx", "face_mobilenetv3.pt", "face_mobilenetv3.onnx")


def facts_of(file_name: str) -> NetworkFacts:
    return read_manifest()[Path(file_name).stem]


def test_networks():
    """The manifest describes the three networks that can be served, each with the seven labels."""
    manifest = read_manifest()
    assert set(manifest) == set(NETWORKS)
    for name, facts in manifest.items():
        assert facts.name == name
        assert len(facts.labels) == len(facts.order) == len(EMOTIONS)


@pytest.mark.parametrize("name", NETWORKS)
def test_licence_and_sources(name: str):
    """Each network states its licence and what it was trained on."""
    facts = read_manifest()[name].facts
    assert facts["licence"]
    assert facts["trained_on"]


def test_speakers_kept_apart():
    """The voice network's manifest lists its training actors, none of them held out, and those
    that it was chosen by.
    """
    facts = read_manifest()["audio_bilstm"].facts
    actors = facts["ravdess_actors_trained_on"]
    assert actors
    assert not set(actors) & set(range(17, 25))
    assert {str(actor) for actor in facts["ravdess_actors_chosen_by"]} == VALIDATION_ACTORS


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_file(name: str):
    """Each shipped file is there and is the one the manifest vouches for."""
    path = WEIGHTS_FOLDER / name
    assert verified(path, facts_of(name)) == path


def test_hash(tmp_path: Path):
    """The hash is sha256, here of the standard's own example."""
    (tmp_path / "abc").write_bytes(b"abc")
    wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(tmp_path / "abc") == wanted


def refused(path: Path, facts: NetworkFacts) -> str:
    """Return the message with which a file is refused, having checked what it must name."""
    with pytest.raises(WeightsError) as caught:
        verified(path, facts)
    assert str(path) in str(caught.value)
    assert f"git checkout -- weights/{path.name}" in str(caught.value)
    return str(caught.value)


def test_missing_file(tmp_path: Path):
    """A file that is not there is called missing."""
    assert "is missing" in refused(tmp_path / "audio_bilstm.pt", facts_of("audio_bilstm.pt"))


def test_folder_in_its_place(tmp_path: Path):
    """A folder of that name is no weights."""
    (tmp_path / "audio_bilstm.pt").mkdir()
    assert "is missing" in refused(tmp_path / "audio_bilstm.pt", facts_of("audio_bilstm.pt"))


@pytest.mark.parametrize("position", [0, -1])
def test_flipped_byte(tmp_path: Path, position: int):
    """One wrong byte anywhere is noticed and called damage."""
    path = tmp_path / "audio_bilstm.pt"
    content = bytearray((WEIGHTS_FOLDER / path.name).read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    assert "is damaged" in refused(path, facts_of(path.name))


def test_file_of_another_name(tmp_path: Path):
    """A whole file under a name the manifest does not vouch for is refused."""
    path = tmp_path / "other.pt"
    shutil.copy(WEIGHTS_FOLDER / "audio_bilstm.pt", path)
    assert "is damaged" in refused(path, facts_of("audio_bilstm.pt"))


LABELS = 'labels = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]'
TABLE = f"[networks.x]\n{LABELS}\ntemperature = 1.0\ngain = 0.5\n"


def test_order_of_labels(tmp_path: Path):
    """Labels in another order are accepted, and the order says where each emotion stands."""
    path = tmp_path / "manifest.toml"
    labels = '["sad", "angry", "disgust", "fear", "happy", "neutral", "surprise"]'
    path.write_text(f"[networks.x]\nlabels = {labels}\ntemperature = 1.5\ngain = 0.5\nsize = 3\n")
    facts = read_manifest(path)["x"]
    assert facts.order == (1, 2, 3, 4, 5, 0, 6)
    assert facts.files == {}
    assert (facts.temperature, facts.gain) == (1.5, 0.5)
    assert facts.facts == {"size": 3}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[networks.x\n",
        b"[other]\nx = 1\n",
        b"[networks]\nx = 1\n",
        b"[networks.x]\nsize = 1\n",
        b"[networks.x]\nlabels = 7\n",
        b'[networks.x]\nlabels = ["angry", "happy"]\n',
        TABLE.replace("sad", "contempt").encode(),
        f"{TABLE}files = 3\n".encode(),
        f"[networks.x]\n{LABELS}\n".encode(),
        TABLE.replace("1.0", "0").encode(),
        TABLE.replace("1.0", '"warm"').encode(),
        TABLE.replace("gain = 0.5\n", "").encode(),
        TABLE.replace("0.5", "-0.5").encode(),
        b"\xff\xfe[networks.x]\n",
        b"networks = 3\n",
        b"[networks.x]\nlabels = [1, 2]\n",
    ],
)
def test_broken_manifest(tmp_path: Path, content: bytes):
    """A manifest that is no TOML, or lacks the seven labels, is refused by name with the remedy."""
    path = tmp_path / "manifest.toml"
    path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        read_manifest(path)
    assert str(path) in str(caught.value)
    assert "git checkout -- weights/manifest.toml" in str(caught.value)


def test_missing_manifest(tmp_path: Path):
    """Without a manifest nothing is served, and the message says how to get it back."""
    with pytest.raises(WeightsError, match=r"git checkout -- weights/manifest\.toml"):
        read_manifest(tmp_path / "manifest.toml")
    assert MANIFEST_PATH.is_file()


def test_only_one_calibration_is_written(tmp_path: Path):
    """The named network's temperature and gain change in the manifest and nothing else does."""
    path = Path(shutil.copy(MANIFEST_PATH, tmp_path))
    before = read_manifest(path)
    write_calibration(path, "face_mobilenetv3", 1.375, 0.25)
    after = read_manifest(path)
    face = after["face_mobilenetv3"]
    assert (face.temperature, face.gain) == (1.375, 0.25)
    assert after["audio_bilstm"] == before["audio_bilstm"]
    assert after["face_mobilenetv3"].facts == before["face_mobilenetv3"].facts
    with pytest.raises(ValueError, match="no temperature and gain of nobody"):
        write_calibration(path, "nobody", 1.0, 0.0)


def test_only_one_hash_is_written(tmp_path: Path):
    """The named file's hash changes in the manifest; a file it does not name is refused."""
    path = Path(shutil.copy(MANIFEST_PATH, tmp_path))
    file = tmp_path / "audio_bilstm.onnx"
    file.write_bytes(b"other weights")
    before = read_manifest(path)
    write_hash(path, file)
    after = read_manifest(path)
    assert after["audio_bilstm"].files["audio_bilstm.onnx"] == sha256_of(file)
    assert after["face_mobilenetv3"] == before["face_mobilenetv3"]
    with pytest.raises(ValueError, match=r"does not name x\.onnx once"):
        write_hash(path, Path(shutil.copy(file, tmp_path / "x.onnx")))
