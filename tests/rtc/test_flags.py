"""What flags and environment say: defaults, precedence, and every refusal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.fusion import FusionConfig
from rtc.config import IceServer
from rtc.ports import PortRange
from rtc.tls import TlsConfig
from server import read_settings


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--fuse-w-voice", "1.5"], "--fuse-w-voice: must be a number from 0 to 1, not '1.5'"),
        (["--fuse-w-voice", "nan"], "--fuse-w-voice: must be a number from 0 to 1, not 'nan'"),
        (["--fusion", "mean"], "--fusion: must be weighted or log, not 'mean'"),
        (["--audio-smooth-k", "0"], "--audio-smooth-k: must be a whole number from 1 to 8"),
        (["--audio-smooth-k", "9"], "older than 4 s leave the mean"),
        (["--face-smooth-k", "13"], "--face-smooth-k: must be a whole number from 1 to 12"),
        (["--face-smooth-k", "13"], "older than 6 s leave the mean"),
        (["--port", "70000"], "--port: must be a whole number from 0 to 65535, not '70000'"),
        (["--port", "abc"], "--port: must be a whole number from 0 to 65535, not 'abc'"),
        (["--prot", "8080"], "unrecognized arguments: --prot 8080 (see --help)"),
        (["--face-model", "other"], "--face-model: invalid choice: 'other'"),
        (["--max-sessions", "0"], "--max-sessions: must be a whole number of at least 1"),
        (["--audio-vad-thresh", "-1"], "--audio-vad-thresh: must be a number from 0 to 1"),
        (["--eval-max-per-class", "-1"], "--eval-max-per-class: must be a whole number of at"),
        (["--eval-batch-windows", "0"], "--eval-batch-windows: must be a whole number of at"),
        (["--prelaunch-eval", "perhaps"], "--prelaunch-eval: 'perhaps' is neither 1 nor 0"),
        (["--ice-username", "me"], "--ice-username and --ice-credential are of a TURN server"),
        (["--ice-server", "stun:here", "--ice-credential", "x"], "are of a TURN server"),
        (["--ice-server", "http://here"], "'http://here' is no ICE server"),
        (["--ice-server", ""], "'' is no ICE server"),
        (
            ["--ice-server", "turn:here", "--ice-username", "me"],
            "needs a username and a credential",
        ),
        (["--ice-relay-only"], "--ice-relay-only needs a TURN server"),
        (["--ice-server", "stun:here", "--ice-relay-only"], "needs a TURN server; name it with"),
        (["--udp-ports", "50000"], "'50000' is no range of ports; write FIRST-LAST"),
        (["--udp-ports", "80-90"], "'80-90' is no range of ports; ports go from 1024 to 65535"),
        (["--key-file", "mine.key"], "--cert-file and --key-file belong together"),
        (["--self-signed", "--cert-file", "c", "--key-file", "k"], "--self-signed makes its own"),
    ],
)
def test_nonsense_is_refused_with_a_reason(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A setting out of its range ends the command with exit code 2 and one line that says why."""
    with pytest.raises(SystemExit) as ended:
        read_settings(arguments)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert sentence in said
    assert said.startswith("error: ")
    assert said.count("\n") == 1


def test_the_longest_smoothing_that_counts_is_taken() -> None:
    """Up to as many results as come before the oldest of them leave the mean."""
    tracker = read_settings(
        ["--audio-smooth-k", "8", "--face-smooth-k", "12"]
    ).server.session.tracker
    assert (tracker.voice.length, tracker.face.length) == (8, 12)


def test_nonsense_in_the_environment_is_refused_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A choice that comes from the environment is checked as one from a flag."""
    monkeypatch.setenv("FACE_DEVICE", "abacus")
    with pytest.raises(SystemExit) as ended:
        read_settings([])
    assert ended.value.code == 2
    assert "--face-device: must be cpu or cuda, not 'abacus'" in capsys.readouterr().err


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
    assert (evaluation.batch_pictures, evaluation.max_per_class) == (8, 5)
    assert evaluation.fused_samples_per_class == 6
    assert (evaluation.ravdess_root, evaluation.fer_test_root) == (Path("r"), Path("t"))


def test_a_broken_environment_value_names_its_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Text where a number belongs is refused with the name of the setting."""
    monkeypatch.setenv("AUDIO_SMOOTH_K", "many")
    with pytest.raises(SystemExit):
        read_settings([])
    assert "--audio-smooth-k: must be a whole number from 1 to 8, not 'many'" in (
        capsys.readouterr().err
    )


def test_help_explains_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """``--help`` names each environment variable and a default."""
    with pytest.raises(SystemExit):
        read_settings(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name in (
        "AUDIO_SMOOTH_K", "FACE_SMOOTH_K", "AUDIO_VAD_THRESH", "FUSE_W_VOICE", "FUSION",
        "AUDIO_WEIGHTS", "FACE_WEIGHTS", "FACE_DEVICE", "PRELAUNCH_EVAL", "EVAL_BATCH_WINDOWS",
        "EVAL_MAX_PER_CLASS", "FUSED_SAMPLES_PER_CLASS", "RAVDESS_ROOT", "FER_TEST_ROOT",
        "ICE_SERVERS", "ICE_USERNAME", "ICE_CREDENTIAL", "ICE_RELAY_ONLY", "UDP_PORTS",
    ):  # fmt: skip
        assert re.search(rf"\[{name}; default [^\]]+\]", text), name


def test_ice_servers_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commas separate them, and the login goes to TURN servers alone."""
    monkeypatch.setenv("ICE_SERVERS", "stun:a, turn:b ,,turns:c:443")
    monkeypatch.setenv("ICE_USERNAME", "me")
    monkeypatch.setenv("ICE_CREDENTIAL", "word")
    assert read_settings([]).server.session.ice_servers == (
        IceServer(("stun:a",)),
        IceServer(("turn:b",), "me", "word"),
        IceServer(("turns:c:443",), "me", "word"),
    )


def test_ice_servers_as_flags_take_the_place_of_the_environments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Flags may be repeated and win: none of the environment's is kept."""
    monkeypatch.setenv("ICE_SERVERS", "stun:other")
    monkeypatch.setenv("ICE_CREDENTIAL", "other")
    given = ["--ice-server", "stun:a", "--ice-server", "turn:b"]
    login = ["--ice-username", "me", "--ice-credential", "word"]
    assert read_settings([*given, *login]).server.session.ice_servers == (
        IceServer(("stun:a",)),
        IceServer(("turn:b",), "me", "word"),
    )


def test_what_a_firewall_asks_for_is_read_from_the_environment_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Relays alone and a range of ports can be set there, and flags win."""
    monkeypatch.setenv("ICE_SERVERS", "turn:a")
    monkeypatch.setenv("ICE_USERNAME", "me")
    monkeypatch.setenv("ICE_CREDENTIAL", "word")
    monkeypatch.setenv("ICE_RELAY_ONLY", "1")
    monkeypatch.setenv("UDP_PORTS", "40000-40009")
    settings = read_settings([])
    assert settings.server.session.ice_relay_only
    assert settings.udp_ports == PortRange(40_000, 40_009)
    settings = read_settings(["--ice-relay-only", "0", "--udp-ports", "50000-50100"])
    assert not settings.server.session.ice_relay_only
    assert settings.udp_ports == PortRange(50_000, 50_100)


def test_by_default_there_is_no_ice_server_and_no_https() -> None:
    """Nobody is contacted, and nothing encrypted, without being told to."""
    settings = read_settings([])
    assert settings.server.session.ice_servers == ()
    assert not settings.server.session.ice_relay_only
    assert settings.udp_ports is None
    assert settings.tls == TlsConfig()


def test_neither_help_nor_settings_show_the_credential(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A credential in the environment is in no help, no refusal and no representation."""
    monkeypatch.setenv("ICE_SERVERS", "turn:here")
    monkeypatch.setenv("ICE_USERNAME", "me")
    monkeypatch.setenv("ICE_CREDENTIAL", "for nobody else")
    assert "for nobody else" not in repr(read_settings([]))
    for arguments in (["--help"], ["--ice-server", "turn:"], ["--port", "none"]):
        with pytest.raises(SystemExit):
            read_settings(arguments)
    said = capsys.readouterr()
    assert "--ice-credential" in said.out
    assert "for nobody else" not in said.out + said.err
