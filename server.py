"""Composition root: flags and environment -> configuration -> engine -> application -> run."""

from __future__ import annotations

import argparse
import asyncio
import logging
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from eval.config import EvalConfig, add_evaluation_flags, evaluation_from, from_environment
from models.threads import limit_threads_or_exit

if TYPE_CHECKING:
    from models.loading import LoadedModels, ModelConfig
    from rtc.config import ServerConfig

# Imports that load numpy stand inside the functions: threads must be limited before.


@dataclass(frozen=True)
class Settings:
    """Everything that flags and environment say."""

    host: str
    port: int
    log_level: str
    models: ModelConfig
    server: ServerConfig
    evaluation: EvalConfig
    prelaunch_eval: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server until a signal; return the exit code."""
    limit_threads_or_exit()
    from models.runtime import DeviceError
    from models.weights import WeightsError
    from rtc.serve import PortError, hold_port

    settings = read_settings(argv)
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(name)s: %(message)s")
    try:
        with hold_port(settings.host, settings.port) as held:
            models = _load(settings)
            asyncio.run(_serve(settings, models, held))
    except (DeviceError, PortError, WeightsError) as error:
        return _failed(error)
    except KeyboardInterrupt:
        pass  # Ctrl-C while the models load; later it is a signal that ends the server in order
    return 0


def _load(settings: Settings) -> LoadedModels:
    from models.loading import load_models

    models = load_models(settings.models)
    if settings.prelaunch_eval:
        from eval.outcomes import evaluate, lines

        session = settings.server.session
        outcomes = evaluate(
            settings.evaluation, models, session.tracker.fusion, session.silence_rms
        )
        for line in lines(outcomes):
            print(line, flush=True)
    return models


async def _serve(settings: Settings, models: LoadedModels, held: socket.socket) -> None:
    from models.loading import start_engine
    from rtc.app import ServedModels, create_app
    from rtc.serve import address_of, serve_until_signal

    engine = await start_engine(models)
    try:
        names = ServedModels(voice=models.voice_name, face=models.face_name)
        app = create_app(engine, names, settings.server)
        ready = (
            f"Voice: {names.voice}. Face: {names.face}.\n"
            f"Open {address_of(held)} in a browser and click Start. Ctrl-C ends the server."
        )
        await serve_until_signal(app, held, ready)
    finally:
        engine.close()


def read_settings(argv: Sequence[str] | None) -> Settings:
    """Read flags and environment; flags win. Exits with a usage message when one is wrong."""
    from models.fusion import FusionConfig
    from models.loading import ModelConfig
    from rtc.config import ServerConfig, SessionConfig

    parser = _parser()
    given = parser.parse_args(argv)
    session = SessionConfig()
    tracker = session.tracker
    try:
        tracker = replace(
            tracker,
            voice=replace(tracker.voice, length=given.audio_smooth_k),
            face=replace(tracker.face, length=given.face_smooth_k),
            fusion=FusionConfig(given.fuse_w_voice, given.fusion),
        )
        session = replace(session, tracker=tracker, silence_rms=given.audio_vad_thresh)
        server = ServerConfig(max_sessions=given.max_sessions, session=session)
        evaluation = evaluation_from(given)
    except ValueError as error:
        parser.error(str(error))
    models = ModelConfig(
        voice_weights=given.audio_weights,
        face_weights=given.face_weights,
        face_model=given.face_model,
        face_device=given.face_device,
        offline=given.offline,
    )
    return Settings(
        given.host, given.port, given.log_level, models, server, evaluation, given.prelaunch_eval
    )


def _parser() -> argparse.ArgumentParser:
    from models.loading import ModelConfig
    from rtc.config import ServerConfig, SessionConfig

    session = SessionConfig()
    parser = argparse.ArgumentParser(
        prog="server.py",
        description="Real-time emotion recognition over WebRTC: voice, face and both fused.",
        epilog="Names in square brackets are environment variables; a flag wins over its variable.",
    )
    add = parser.add_argument
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

    add = parser.add_argument_group("models").add_argument
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

    add = parser.add_argument_group("smoothing and fusion").add_argument
    add(
        "--audio-smooth-k",
        type=int,
        metavar="K",
        default=from_environment("AUDIO_SMOOTH_K", session.tracker.voice.length),
        help="voice results averaged, two a second, none older than 4 s "
        "[AUDIO_SMOOTH_K; default %(default)s]",
    )
    add(
        "--face-smooth-k",
        type=int,
        metavar="K",
        default=from_environment("FACE_SMOOTH_K", session.tracker.face.length),
        help="face results averaged, two a second, none older than 6 s "
        "[FACE_SMOOTH_K; default %(default)s]",
    )
    add(
        "--audio-vad-thresh",
        type=float,
        metavar="RMS",
        default=from_environment("AUDIO_VAD_THRESH", session.silence_rms),
        help="silence: windows with a root mean square below this share of full scale are "
        "skipped [AUDIO_VAD_THRESH; default %(default)s]",
    )
    add(
        "--fuse-w-voice",
        type=float,
        metavar="W",
        default=from_environment("FUSE_W_VOICE", session.tracker.fusion.w_voice),
        help="weight of the voice, 0 to 1; the face has the rest "
        "[FUSE_W_VOICE; default %(default)s]",
    )
    add(
        "--fusion",
        metavar="MODE",
        default=from_environment("FUSION", session.tracker.fusion.mode),
        help="weighted: the weighted mean; log: the product of powers, which is surer where both "
        "sides agree [FUSION; default %(default)s]",
    )
    add_evaluation_flags(parser)
    parser.add_argument(
        "--prelaunch-eval",
        type=_switch,
        nargs="?",
        const=True,
        metavar="0|1",
        default=from_environment("PRELAUNCH_EVAL", "0"),
        help="print accuracies as eval.quick does before serving [PRELAUNCH_EVAL; default 0]",
    )
    return parser


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


def _failed(error: Exception) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
