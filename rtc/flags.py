"""The server's own flags and environment names; those of evaluations are eval.config's."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtc.config import IceServer

# Imports that load numpy stand inside the functions: threads must be limited before.

_Add = Callable[..., argparse.Action]


def add_server_flags(parser: argparse.ArgumentParser) -> None:
    """Add every flag of the server; most take their default from the environment."""
    _add_serving_flags(parser.add_argument)
    _add_https_flags(parser.add_argument_group("https").add_argument)
    _add_ice_flags(parser.add_argument_group("ways through firewalls").add_argument)
    _add_model_flags(parser.add_argument_group("models").add_argument)
    _add_tracker_flags(parser.add_argument_group("smoothing and fusion").add_argument)


def ice_servers_from(given: argparse.Namespace) -> tuple[IceServer, ...]:
    """Build the ICE servers from parsed flags; the login is that of all TURN servers.

    Raises:
        ValueError: a URL is none of an ICE server, or a TURN server has no login.
    """
    from rtc.config import IceServer

    # Not argparse's default: repeated flags would be added to it.
    named = [url.strip() for url in os.environ.get("ICE_SERVERS", "").split(",") if url.strip()]
    login = (given.ice_username, given.ice_credential)
    return tuple(
        IceServer((url,), *(login if url.startswith("turn") else ()))
        for url in given.ice_server or named
    )


def _add_serving_flags(add: _Add) -> None:
    from rtc.config import ServerConfig

    add("--host", default="127.0.0.1", help="address to listen on [default %(default)s]")
    add("--port", type=_port, default=8080, help="TCP port, 0 for any [default %(default)s]")
    add(
        "--max-sessions",
        type=int,
        default=ServerConfig.max_sessions,
        metavar="N",
        help="people served at once [default %(default)s]",
    )
    add(
        "--log-level",
        default="WARNING",
        choices=["DEBUG", "INFO", "WARNING", "ERROR"],
        help="how much is said on standard error [default %(default)s]",
    )
    add(
        "--prelaunch-eval",
        type=_switch,
        nargs="?",
        const=True,
        metavar="0|1",
        default=from_environment("PRELAUNCH_EVAL", "0"),
        help="print accuracies as eval.quick does before serving [PRELAUNCH_EVAL; default 0]",
    )


def _add_https_flags(add: _Add) -> None:
    add(
        "--cert-file",
        type=Path,
        metavar="FILE",
        help="certificate in PEM form; with --key-file it makes http https",
    )
    add(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="private key of that certificate, in PEM form and without a passphrase",
    )
    add(
        "--self-signed",
        action="store_true",
        help="https with a certificate made for this start, whose fingerprint is printed; for a "
        "network of one's own, with --host 0.0.0.0",
    )


def _add_ice_flags(add: _Add) -> None:
    add(
        "--ice-server",
        action="append",
        metavar="URL",
        help="stun:HOST:PORT, turn:HOST:PORT or turns:HOST:PORT; repeat it for more, or put commas "
        "between in the environment; the page uses all, the server the first STUN and the first "
        "TURN server of them [ICE_SERVERS; default none, and no such server is contacted]",
    )
    add(
        "--ice-username",
        metavar="NAME",
        default=from_environment("ICE_USERNAME", None),
        help="of the TURN servers [ICE_USERNAME; default none]",
    )
    add(
        "--ice-credential",
        metavar="PASSWORD",
        default=from_environment("ICE_CREDENTIAL", None),
        help="of the TURN servers; better set in the environment, since flags show in lists of "
        "processes; the page is told it [ICE_CREDENTIAL; default none]",
    )


def _add_model_flags(add: _Add) -> None:
    from models.loading import ModelConfig

    add(
        "--face-model",
        default="auto",
        choices=["auto", "hsemotion", "embedded"],
        help="auto takes HSEmotion enet_b2_7 where its weights are on the machine or can be "
        "downloaded, else the embedded network [default %(default)s]",
    )
    add("--offline", action="store_true", help="never try to download anything")
    add(
        "--audio-weights",
        type=Path,
        metavar="FILE",
        default=from_environment("AUDIO_WEIGHTS", ModelConfig.voice_weights),
        help="voice network, .pt or .onnx [AUDIO_WEIGHTS; default weights/audio_bilstm.pt]",
    )
    add(
        "--face-weights",
        type=Path,
        metavar="FILE",
        default=from_environment("FACE_WEIGHTS", ModelConfig.face_weights),
        help="embedded face network, .pt or .onnx; with --face-model auto one of your own "
        "is preferred to HSEmotion "
        "[FACE_WEIGHTS; default weights/face_mobilenetv3.pt]",
    )
    add(
        "--face-device",
        default=from_environment("FACE_DEVICE", "cpu"),
        choices=["cpu", "cuda"],
        help="where the face network runs [FACE_DEVICE; default cpu]",
    )


def _add_tracker_flags(add: _Add) -> None:
    from models.tracker import TrackerConfig
    from rtc.config import SessionConfig

    tracker = TrackerConfig()
    add(
        "--audio-smooth-k",
        type=int,
        metavar="K",
        default=from_environment("AUDIO_SMOOTH_K", tracker.voice.length),
        help="voice results averaged, two a second, none older than 4 s "
        "[AUDIO_SMOOTH_K; default %(default)s]",
    )
    add(
        "--face-smooth-k",
        type=int,
        metavar="K",
        default=from_environment("FACE_SMOOTH_K", tracker.face.length),
        help="face results averaged, two a second, none older than 6 s "
        "[FACE_SMOOTH_K; default %(default)s]",
    )
    add(
        "--audio-vad-thresh",
        type=float,
        metavar="RMS",
        default=from_environment("AUDIO_VAD_THRESH", SessionConfig.silence_rms),
        help="silence: windows with a root mean square below this share of full scale are "
        "skipped [AUDIO_VAD_THRESH; default %(default)s]",
    )
    add(
        "--fuse-w-voice",
        type=float,
        metavar="W",
        default=from_environment("FUSE_W_VOICE", tracker.fusion.w_voice),
        help="weight of the voice, 0 to 1; the face has the rest "
        "[FUSE_W_VOICE; default %(default)s]",
    )
    add(
        "--fusion",
        metavar="MODE",
        default=from_environment("FUSION", tracker.fusion.mode),
        help="weighted: the weighted mean; log: the product of powers, which is surer where both "
        "sides agree [FUSION; default %(default)s]",
    )


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is no port; ports go from 0 to 65535")
    return port


def _switch(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off"}:
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither 1 nor 0")


def from_environment(name: str, default: object) -> object:
    """Return the environment's text, which argparse then converts to its type, or the default.

    It does not check it against ``choices``: what is built from the flags does that.
    """
    return os.environ.get(name) or default
