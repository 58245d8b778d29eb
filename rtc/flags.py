"""The server's own flags and environment names; those of evaluations are eval.config's."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from models.command_line import from_environment, integer, number, one_of, switch
from rtc.limit_flags import add_door_flags, add_limit_flags
from rtc.ports import port_range
from rtc.upload_flags import add_upload_flags

if TYPE_CHECKING:
    from models.smoothing import SmoothingConfig
    from rtc.config import IceServer

# Imports that load numpy stand inside the functions: threads must be limited before.

_Add = Callable[..., argparse.Action]


def add_server_flags(parser: argparse.ArgumentParser) -> None:
    """Add every flag of the server; most take their default from the environment."""
    _add_serving_flags(parser.add_argument)
    _add_https_flags(parser.add_argument_group("https").add_argument)
    add_door_flags(parser.add_argument_group("who may come in").add_argument)
    add_limit_flags(parser.add_argument_group("limits").add_argument)
    add_upload_flags(parser.add_argument_group("recordings over HTTP").add_argument)
    _add_ice_flags(parser.add_argument_group("ways through firewalls").add_argument)
    _add_model_flags(parser.add_argument_group("models").add_argument)
    _add_tracker_flags(parser.add_argument_group("smoothing and fusion").add_argument)


def ice_servers_from(given: argparse.Namespace) -> tuple[IceServer, ...]:
    """Build the ICE servers from parsed flags; the login is that of all TURN servers.

    Raises:
        ValueError: a URL is none of an ICE server, or a TURN server has no login, or a login no
            TURN server.
    """
    from rtc.config import IceServer

    # Not argparse's default: repeated flags would be added to it.
    named = [url.strip() for url in os.environ.get("ICE_SERVERS", "").split(",") if url.strip()]
    login = (given.ice_username, given.ice_credential)
    servers = tuple(
        IceServer((url,), *(login if url.startswith("turn") else ()))
        for url in given.ice_server or named
    )
    if any(login) and not any(server.username for server in servers):
        raise ValueError(
            "--ice-username and --ice-credential are of a TURN server; name it with --ice-server "
            "turn:HOST:PORT, or leave them out"
        )
    return servers


def _add_serving_flags(add: _Add) -> None:
    add("--host", default="127.0.0.1", help="address to listen on [default %(default)s]")
    add(
        "--port",
        type=integer(0, 65535),
        default=8080,
        help="TCP port, 0 for any [default %(default)s]",
    )
    add(
        "--max-sessions",
        type=_number_or_auto,
        default="auto",
        metavar="N",
        help="people served at once, by each worker; auto measures at start how many one core can "
        "[default %(default)s]",
    )
    add(
        "--workers",
        type=integer(1, 256),
        default=1,
        metavar="N",
        help="processes that share the port; one serves what one core can [default %(default)s]",
    )
    add(
        "--log-level",
        default="WARNING",
        choices=["DEBUG", "INFO", "WARNING", "ERROR"],
        help="how much is said on standard error [default %(default)s]",
    )
    add(
        "--prelaunch-eval",
        type=switch,
        nargs="?",
        const=True,
        metavar="0|1",
        default=from_environment("PRELAUNCH_EVAL", "0"),
        help="print accuracies as eval.quick does before serving [PRELAUNCH_EVAL; default 0]",
    )


def _number_or_auto(text: str) -> int | None:
    return None if text == "auto" else integer(1, why="auto measures how many")(text)


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
    add(
        "--ice-relay-only",
        type=switch,
        nargs="?",
        const=True,
        metavar="0|1",
        default=from_environment("ICE_RELAY_ONLY", "0"),
        help="server and page send media by way of the TURN server, and no other; without it "
        "nobody is served [ICE_RELAY_ONLY; default 0]",
    )
    add(
        "--announce-address",
        metavar="IP",
        default=from_environment("ANNOUNCE_ADDRESS", None),
        help="IPv4 address that peers are told instead of this machine's own, where a NAT maps it "
        "to this machine with its ports, as clouds do [ANNOUNCE_ADDRESS; default none]",
    )
    add(
        "--udp-ports",
        type=port_range,
        metavar="FIRST-LAST",
        default=from_environment("UDP_PORTS", None),
        help="UDP ports for media, within 1024 to 65535: a session takes one on each address of "
        "this machine, and one more for a TURN server over UDP; who finds none free is told to "
        "come back later [UDP_PORTS; default any]",
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
        type=one_of("cpu", "cuda"),
        metavar="DEVICE",
        default=from_environment("FACE_DEVICE", "cpu"),
        help="where the face network runs, cpu or cuda [FACE_DEVICE; default cpu]",
    )


def _add_tracker_flags(add: _Add) -> None:
    from models.fusion import FUSION_MODES
    from models.tracker import TrackerConfig
    from rtc.config import SessionConfig
    from rtc.settings import limits_of

    tracker = TrackerConfig()
    most = limits_of(SessionConfig())
    _add_smoothing_flag(add, "audio", "voice", tracker.voice, most.voice_smooth_k)
    _add_smoothing_flag(add, "face", "face", tracker.face, most.face_smooth_k)
    add(
        "--audio-vad-thresh",
        type=number(0, 1),
        metavar="RMS",
        default=from_environment("AUDIO_VAD_THRESH", SessionConfig.silence_rms),
        help="silence: windows with a root mean square below this share of full scale are "
        "skipped [AUDIO_VAD_THRESH; default %(default)s]",
    )
    add(
        "--fuse-w-voice",
        type=number(0, 1),
        metavar="W",
        default=from_environment("FUSE_W_VOICE", tracker.fusion.w_voice),
        help="weight of the voice, 0 to 1; the face has the rest "
        "[FUSE_W_VOICE; default %(default)s]",
    )
    add(
        "--fusion",
        type=one_of(*FUSION_MODES),
        metavar="MODE",
        default=from_environment("FUSION", tracker.fusion.mode),
        help="weighted: the weighted mean; log: the product of powers, which is surer where both "
        "sides agree [FUSION; default %(default)s]",
    )


def _add_smoothing_flag(
    add: _Add, name: str, side: str, smoothing: SmoothingConfig, most: int
) -> None:
    old = f"older than {smoothing.memory_s:g} s"
    add(
        f"--{name}-smooth-k",
        type=integer(1, most, f"two results come a second, and those {old} leave the mean"),
        metavar="K",
        default=from_environment(f"{name.upper()}_SMOOTH_K", smoothing.length),
        help=f"{side} results averaged, 1 to {most}; two come a second, and none {old} counts "
        f"[{name.upper()}_SMOOTH_K; default %(default)s]",
    )
