"""``PRELAUNCH_EVAL=1 python server.py`` measures before it serves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from eval import quick
from models.emotions import EMOTIONS

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(60)
def test_the_server_prints_the_lines_of_quick_before_it_serves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same three lines as eval.quick prints on the same data come before the address."""
    rng = np.random.default_rng(0)
    for emotion in EMOTIONS:
        (tmp_path / emotion).mkdir()
        picture = rng.integers(0, 256, (48, 48), np.uint8)
        cv2.imwrite(str(tmp_path / emotion / "a.png"), picture)
    nowhere = str(tmp_path / "nowhere")
    flags = ("--port", "0", "--offline", "--face-model", "embedded")
    named = {"PRELAUNCH_EVAL": "1", "FER_TEST_ROOT": str(tmp_path), "RAVDESS_ROOT": nowhere}
    with subprocess.Popen(
        [sys.executable, "server.py", *flags],
        cwd=ROOT,
        env=os.environ | named,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            printed = [server.stdout.readline().rstrip("\n") for _ in range(5)]
        finally:
            server.terminate()
    assert quick.main(["--fer", str(tmp_path)]) == 0
    voice, face, fused = capsys.readouterr().out.splitlines()
    assert printed[1:3] == [face, fused]
    assert "n 7" in face
    assert printed[0].startswith("voice  not measured: ")
    assert nowhere in printed[0]
    assert voice.startswith("voice  not measured: ")
    assert printed[3].startswith("Voice: ")
    assert "Open http://" in printed[4]
