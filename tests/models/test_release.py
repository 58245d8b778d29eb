"""``python -m models.release``: what it does not do unasked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from models import release
from models.face.network import FaceNetwork
from models.weights import WEIGHTS_FOLDER, read_manifest, sha256_of


@pytest.mark.parametrize(("argument", "code"), [("--help", 0), ("now", 2)])
def test_whoever_asks_for_help_releases_nothing(
    argument: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """``--help`` says what would be overwritten, and what is not understood is not obeyed."""
    # Where it would begin, if it began; the real weights are not put at risk.
    monkeypatch.setattr(release, "WEIGHTS_FOLDER", tmp_path)
    with pytest.raises(SystemExit) as ended:
        release.main([argument])
    assert ended.value.code == code
    said = capsys.readouterr()
    assert ("overwrites the ``.onnx`` files" in said.out) == (code == 0)
    assert ("unrecognized arguments: now" in said.err) == (code == 2)


def test_new_weights_are_vouched_for_and_not_calibrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a new network the manifest has the hashes, and a temperature of 1 until one is fitted;
    of one that is as it was it keeps the temperature.
    """
    for name in ("manifest.toml", "audio_bilstm.pt"):
        shutil.copy(WEIGHTS_FOLDER / name, tmp_path)
    torch.manual_seed(0)
    torch.save(FaceNetwork().state_dict(), tmp_path / "face_mobilenetv3.pt")
    monkeypatch.setattr(release, "WEIGHTS_FOLDER", tmp_path)
    monkeypatch.setattr(release, "MANIFEST_PATH", tmp_path / "manifest.toml")
    monkeypatch.setattr(release, "read_manifest", lambda: read_manifest(tmp_path / "manifest.toml"))
    before = read_manifest()
    release.main([])
    after = read_manifest(tmp_path / "manifest.toml")
    for network in ("audio_bilstm", "face_mobilenetv3"):
        for name, stated in after[network].files.items():
            assert stated == sha256_of(tmp_path / name)
    assert after["audio_bilstm"].temperature == before["audio_bilstm"].temperature
    assert after["face_mobilenetv3"].temperature == 1.0
    assert "face_mobilenetv3 is new: fit its temperature" in capsys.readouterr().out
