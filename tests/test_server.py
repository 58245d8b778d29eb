"""The command itself: a real process, from its first line to its last."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from models.fusion import FusionConfig
from server import read_settings
from tests.media import Clip, PictureTrack, SoundTrack
from tests.peers import Peer

ROOT = Path(__file__).parent.parent
EMBEDDED = ("--offline", "--face-model", "embedded")

Launch = Callable[..., Awaitable[Process]]


@pytest.fixture
async def launch() -> AsyncIterator[Launch]:
    """Start ``server.py`` with arguments and extra environment; killed at the end if need be."""
    started: list[Process] = []

    async def start(*arguments: str, **environment: str) -> Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(ROOT / "server.py"), *arguments),
            stdout=PIPE,
            stderr=PIPE,
            env={**os.environ, **environment},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _ready(process: Process) -> tuple[str, str]:
    """Return the line of models and the URL, once the server serves."""
    assert process.stdout is not None
    models = (await process.stdout.readline()).decode()
    invitation = (await process.stdout.readline()).decode()
    url = re.search(r"http://\S+(?=/ )", invitation)
    assert url, (models, invitation)
    return models, url[0]


async def test_it_serves_says_with_what_and_ends_on_sigterm(
    launch: Launch, happy_clip: Clip
) -> None:
    """It names models and address, serves a person, and SIGTERM ends all of it within 5 s."""
    process = await launch("--port", "0", *EMBEDDED)
    models, url = await _ready(process)
    assert models == "Voice: audio_bilstm. Face: face_mobilenetv3.\n"
    async with Peer(url, SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)) as peer:
        assert await peer.results(2)
        process.send_signal(signal.SIGTERM)
        asked_at = time.monotonic()
        output, errors = await process.communicate()
        assert time.monotonic() - asked_at < 5
    assert (process.returncode, output, errors) == (0, b"", b"")


async def test_nobody_is_answered_before_the_models_are_ready(launch: Launch) -> None:
    """While models load the port is held but refuses; once the line is printed it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await launch("--port", str(port), *EMBEDDED)
    line = asyncio.create_task(_ready(process))
    refused = 0
    while not line.done():
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                break
            refused += 1
        await asyncio.sleep(0.05)
    assert refused > 0
    _, url = await line
    async with aiohttp.ClientSession() as http, http.get(f"{url}/healthz") as response:
        assert response.status == 200


async def test_a_taken_port_is_one_line(launch: Launch) -> None:
    """When the port is in use the command says so in a line and fails, before loading models."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        process = await launch("--port", str(port), *EMBEDDED)
        output, errors = await process.communicate()
    assert (process.returncode, output) == (1, b"")
    assert errors.decode().count("\n") == 1
    assert f"port {port} on 127.0.0.1 cannot be used" in errors.decode()


@pytest.mark.parametrize("damage", ["missing", "flipped"])
@pytest.mark.parametrize("name", ["audio_bilstm.pt", "face_mobilenetv3.onnx"])
async def test_bad_shipped_weights_name_file_and_remedy(
    tmp_path: Path, name: str, damage: str
) -> None:
    """Missing or damaged weights end the command with a line that names them and what to do."""
    copy = tmp_path / "project"
    for folder in ("rtc", "models", "eval", "web", "weights"):
        shutil.copytree(ROOT / folder, copy / folder)
    shutil.copy(ROOT / "server.py", copy)
    weights = copy / "weights" / name
    if damage == "missing":
        weights.unlink()
    else:
        content = bytearray(weights.read_bytes())
        content[len(content) // 2] ^= 1
        weights.write_bytes(content)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "server.py", "--port", "0", *EMBEDDED), cwd=copy, stdout=PIPE, stderr=PIPE
    )
    output, errors = await process.communicate()
    text = errors.decode()
    assert (process.returncode, output) == (1, b"")
    assert text.count("\n") == 1
    assert str(weights) in text
    assert f"git checkout -- weights/{name}" in text


async def test_weights_of_ones_own_that_are_not_there(launch: Launch, tmp_path: Path) -> None:
    """AUDIO_WEIGHTS naming no file ends the command with a line that names it."""
    process = await launch("--port", "0", *EMBEDDED, AUDIO_WEIGHTS=str(tmp_path / "mine.pt"))
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert "mine.pt is missing" in errors.decode()


async def test_a_missing_system_library_is_one_line(launch: Launch, tmp_path: Path) -> None:
    """When OpenCV lacks a library of the system the line names it and how to get it."""
    message = "libGL.so.1: cannot open shared object file: No such file or directory"
    (tmp_path / "cv2.py").write_text(f"raise ImportError({message!r})\n")
    process = await launch("--port", "0", *EMBEDDED, PYTHONPATH=str(tmp_path))
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().count("\n") == 1
    assert "libGL.so.1 is missing" in errors.decode()
    assert "apt-get install libgl1 libglib2.0-0" in errors.decode()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--fuse-w-voice", "1.5"], "w_voice must be between 0 and 1"),
        (["--fusion", "mean"], "fusion must be weighted or log, not 'mean'"),
        (["--audio-smooth-k", "0"], "smoothing length must be at least 1"),
        (["--port", "70000"], "70000 is no port"),
        (["--face-model", "other"], "invalid choice"),
        (["--max-sessions", "0"], "max_sessions must be at least 1"),
        (["--audio-vad-thresh", "-1"], "silence_rms must be between 0 and 1"),
    ],
)
def test_nonsense_is_refused_with_a_reason(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A setting out of its range ends the command with exit code 2 and the reason."""
    with pytest.raises(SystemExit) as ended:
        read_settings(arguments)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_environment_names_of_the_original_are_read_and_flags_win(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each environment name sets what it says, and a flag beats it."""
    for name, value in {
        "AUDIO_SMOOTH_K": "3",
        "FACE_SMOOTH_K": "4",
        "AUDIO_VAD_THRESH": "0.01",
        "FUSE_W_VOICE": "0.25",
        "FUSION": "log",
        "AUDIO_WEIGHTS": "a.pt",
        "FACE_WEIGHTS": "f.pt",
        "FACE_DEVICE": "cuda",
        "PRELAUNCH_EVAL": "1",
        "EVAL_BATCH_WINDOWS": "8",
        "EVAL_MAX_PER_CLASS": "5",
        "FUSED_SAMPLES_PER_CLASS": "6",
        "RAVDESS_ROOT": "r",
        "FER_TEST_ROOT": "t",
    }.items():
        monkeypatch.setenv(name, value)
    settings = read_settings(["--fuse-w-voice", "0.5"])
    tracker = settings.server.session.tracker
    evaluation = settings.evaluation
    assert (tracker.voice.length, tracker.face.length) == (3, 4)
    assert settings.server.session.silence_rms == 0.01
    assert tracker.fusion == FusionConfig(0.5, "log")
    assert (settings.models.voice_weights, settings.models.face_weights) == (
        Path("a.pt"),
        Path("f.pt"),
    )
    assert settings.models.face_device == "cuda"
    assert settings.prelaunch_eval
    assert (evaluation.batch_windows, evaluation.max_per_class) == (8, 5)
    assert evaluation.fused_samples_per_class == 6
    assert (evaluation.ravdess_root, evaluation.fer_test_root) == (Path("r"), Path("t"))


def test_a_broken_environment_value_names_its_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Text where a number belongs is refused with the name of the setting."""
    monkeypatch.setenv("AUDIO_SMOOTH_K", "many")
    with pytest.raises(SystemExit):
        read_settings([])
    assert "--audio-smooth-k: invalid int value: 'many'" in capsys.readouterr().err


def test_help_explains_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """``--help`` names each environment variable and a default."""
    with pytest.raises(SystemExit):
        read_settings(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name in (
        "AUDIO_SMOOTH_K", "FACE_SMOOTH_K", "AUDIO_VAD_THRESH", "FUSE_W_VOICE", "FUSION",
        "AUDIO_WEIGHTS", "FACE_WEIGHTS", "FACE_DEVICE", "PRELAUNCH_EVAL", "EVAL_BATCH_WINDOWS",
        "EVAL_MAX_PER_CLASS", "FUSED_SAMPLES_PER_CLASS", "RAVDESS_ROOT", "FER_TEST_ROOT",
    ):  # fmt: skip
        assert re.search(rf"\[{name}; default [^\]]+\]", text), name
