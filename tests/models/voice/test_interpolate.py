"""A voice network between two: the command writes it, and refuses what holds none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.voice.interpolate import main
from models.voice.network import VoiceNetwork


def test_in_the_middle(tmp_path: Path):
    """Half of each: every weight is the mean of both, and the file loads as a network."""
    paths = [tmp_path / name for name in ("earlier.pt", "later.pt", "new/out.pt")]
    networks = []
    for seed, path in enumerate(paths[:2]):
        torch.manual_seed(seed)
        networks.append(VoiceNetwork().state_dict())
        torch.save(networks[-1], path)
    earlier, later, out = map(str, paths)
    assert main([earlier, later, "--share", "0.5", "--out", out]) == 0
    written = torch.load(out, weights_only=True)
    VoiceNetwork().load_state_dict(written)
    for name, weight in written.items():
        torch.testing.assert_close(weight, (networks[0][name] + networks[1][name]) / 2)


@pytest.mark.parametrize(("share", "message"), [("1.5", "in [0, 1]"), ("0.5", "a voice network")])
def test_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], share: str, message: str):
    """A share beyond 1, or weights of something else, are said in one line; nothing is written."""
    good, other, out = tmp_path / "good.pt", tmp_path / "other.pt", tmp_path / "out.pt"
    torch.save(VoiceNetwork().state_dict(), good)
    torch.save({"weight": torch.zeros(2)}, other)
    later = good if share == "1.5" else other
    assert main([str(good), str(later), "--share", share, "--out", str(out)]) == 1
    assert message in capsys.readouterr().err
    assert not out.exists()
