"""Composition root: flags and environment -> configuration -> engine -> application -> run."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from eval.config import EvalConfig, add_evaluation_flags, evaluation_from
from models.command_line import CommandParser
from models.threads import limit_threads_or_exit

if TYPE_CHECKING:
    from models.loading import LoadedModels, ModelConfig
    from rtc.config import ServerConfig
    from rtc.ports import PortRange
    from rtc.tls import Identity, TlsConfig

# Imports that load numpy stand inside the functions: threads must be limited before.

_EPILOG = """\
Names in square brackets are environment variables; a flag wins over its variable. Exit code: 0
after Ctrl-C or SIGTERM; 2 when a flag, a variable, or a file that one of them names is wrong; 1
when the server cannot run: the port is taken, a device or a library is not there, or weights
that come with the project are damaged."""


@dataclass(frozen=True)
class Settings:
    """Everything that flags and environment say."""

    host: str
    port: int
    workers: int
    udp_ports: PortRange | None
    log_level: str
    tls: TlsConfig
    models: ModelConfig
    server: ServerConfig
    max_sessions_auto: bool
    evaluation: EvalConfig
    prelaunch_eval: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server until a signal; return the exit code that ``--help`` explains."""
    limit_threads_or_exit()
    settings = read_settings(argv)
    return _told(partial(_run, settings), settings)


def _run(settings: Settings) -> int:
    from models.loading import load_models
    from rtc.serve import hold_port
    from rtc.workers import Workers

    logging.getLogger("server").debug("starting with %s", settings)
    identity = _identity(settings.tls)
    with hold_port(settings.host, settings.port) as held:
        if settings.workers == 1:
            return _serve_all(settings, identity, held, None)
        if settings.prelaunch_eval:
            _evaluate(settings, load_models(settings.models))
        work = partial(_work, settings, identity)
        return Workers(settings.workers, work, held, settings.server.drain_s).run(_say)


def _work(
    settings: Settings, identity: Identity | None, held: socket.socket, parent: Connection
) -> int:
    """Serve on a held port as one of several workers, in a process of its own."""
    limit_threads_or_exit()
    return _told(lambda: _serve_all(settings, identity, held, parent), settings)


def _serve_all(
    settings: Settings, identity: Identity | None, held: socket.socket, parent: Connection | None
) -> int:
    from models.loading import load_models
    from rtc.serve import new_event_loop

    models = load_models(settings.models)
    if settings.prelaunch_eval and parent is None:  # of several workers the parent has done it
        _evaluate(settings, models)
    with asyncio.Runner(loop_factory=partial(new_event_loop, settings.udp_ports)) as runner:
        runner.run(_serve(settings, models, held, identity, parent))
    return 0


def _told(run: Callable[[], int], settings: Settings) -> int:
    """Run, and turn errors that have a sentence for people into it and an exit code."""
    from models.own_weights import OwnWeightsError
    from models.runtime import DeviceError
    from models.weights import WeightsError
    from rtc.logs import log_to_stderr
    from rtc.serve import PortError
    from rtc.tls import TlsError

    log_to_stderr(settings.log_level)
    try:
        return run()
    except (OwnWeightsError, TlsError) as error:
        return _failed(error, code=2)
    except (DeviceError, PortError, WeightsError) as error:
        return _failed(error)
    except KeyboardInterrupt:
        return 0  # Ctrl-C while the models load; later it is a signal that ends the server in order


def _say(text: str) -> None:
    print(text, flush=True)


def _tell(parent: Connection | None, text: str) -> None:
    if parent is None:
        _say(text)
        return
    with contextlib.suppress(OSError):  # it has gone meanwhile, which ends this process, too
        parent.send(text)


def _identity(tls: TlsConfig) -> Identity | None:
    from rtc.serve import own_addresses
    from rtc.tls import load_identity, make_identity

    if tls.self_signed:
        identity = make_identity(own_addresses())
    elif tls.cert_file and tls.key_file:
        identity = load_identity(tls.cert_file, tls.key_file)
    else:
        return None
    identity.context()  # What is wrong with it is said now, not by each worker.
    return identity


def _evaluate(settings: Settings, models: LoadedModels) -> None:
    from eval.outcomes import evaluate, lines

    session = settings.server.session
    outcomes = evaluate(settings.evaluation, models, session.tracker.fusion, session.silence_rms)
    for line in lines(outcomes):
        _say(line)


async def _serve(
    settings: Settings,
    models: LoadedModels,
    held: socket.socket,
    identity: Identity | None,
    parent: Connection | None,
) -> None:
    from models.cost import measured_cost
    from models.loading import start_engine
    from rtc.app import create_app
    from rtc.capacity import sessions_within_one_core
    from rtc.keys import ServedModels
    from rtc.serve import serve_until_signal

    config = settings.server
    if settings.max_sessions_auto:
        cost = measured_cost(models)
        most = sessions_within_one_core(cost.voice_s, cost.face_s, config.session.tick_interval_s)
        config = replace(config, max_sessions=most)
    engine = await start_engine(models)
    _spare_the_collector()
    try:
        names = ServedModels(voice=models.voice_name, face=models.face_name)
        app = create_app(engine, names, config)
        room = f"Room for {config.max_sessions} people"
        room += f" in each of {settings.workers} workers." if settings.workers > 1 else "."
        served = f"Voice: {names.voice}. Face: {names.face}. {room}"
        ready = "\n".join([served, *_invitation(settings, held, identity)])
        await serve_until_signal(
            app,
            held,
            on_ready=partial(_tell, parent, ready),
            tls=identity.context() if identity else None,
            parent=parent,
        )
    finally:
        engine.close()


def _spare_the_collector() -> None:
    """Have Python's collector leave alone what is there for good, and look less often.

    It took a tenth of a busy server's time, nearly all of it for modules and networks.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # for else it waits until a quarter of what is frozen now has come besides
    # People who stay leave next to nothing to it; each who leaves leaves a thousand objects, which
    # it is to take soon: many at once are a long stop, and keep their memory until then.
    gc.set_threshold(10_000, 2, 2)


def _invitation(
    settings: Settings, held: socket.socket, identity: Identity | None
) -> Iterator[str]:
    from rtc.serve import address_of, network_addresses_of

    scheme = "https" if identity else "http"
    url = address_of(held, scheme)
    yield f"Open {url} in a browser and click Start. Ctrl-C ends the server."
    if settings.server.doors.token:
        yield "Put #token=… behind the address, with the token that you set."
    if settings.tls.self_signed:
        for url in network_addresses_of(held, scheme):
            yield f"Open {url} on other devices in this network."
    if identity:
        yield f"SHA-256 fingerprint of the certificate: {identity.fingerprint}"
    if settings.tls.self_signed:
        yield "Browsers warn that nobody vouches for it; compare the fingerprint before you go on."


def read_settings(argv: Sequence[str] | None) -> Settings:
    """Read flags and environment; flags win. Exits with a line that says why when one is wrong."""
    from models.fusion import FusionConfig
    from models.loading import ModelConfig
    from rtc.config import ServerConfig, SessionConfig
    from rtc.flags import add_server_flags, ice_servers_from
    from rtc.limit_flags import server_limits_from, session_limits_from
    from rtc.tls import TlsConfig
    from rtc.upload_flags import uploads_from

    parser = CommandParser(
        prog="server.py",
        description="Real-time emotion recognition over WebRTC: voice, face and both fused.",
        epilog=_EPILOG,
    )
    add_server_flags(parser)
    add_evaluation_flags(parser)
    given = parser.parse_args(argv)
    tracker = SessionConfig().tracker
    try:
        tracker = replace(
            tracker,
            voice=replace(tracker.voice, length=given.audio_smooth_k),
            face=replace(tracker.face, length=given.face_smooth_k),
            fusion=FusionConfig(given.fuse_w_voice, given.fusion),
        )
        session = SessionConfig(
            tracker=tracker,
            silence_rms=given.audio_vad_thresh,
            ice_servers=ice_servers_from(given),
            ice_relay_only=given.ice_relay_only,
        )
        session = session_limits_from(given, session)
        server = server_limits_from(given, ServerConfig(session=session))
        if given.max_sessions is not None:
            server = replace(server, max_sessions=given.max_sessions)
        tls = TlsConfig(given.cert_file, given.key_file, given.self_signed)
        evaluation = evaluation_from(given)
        models = ModelConfig(
            voice_weights=given.audio_weights,
            face_weights=given.face_weights,
            face_model=given.face_model,
            face_device=given.face_device,
            offline=given.offline,
        )
        server = replace(server, uploads=uploads_from(given, models))
    except ValueError as error:
        parser.error(str(error))
    return Settings(
        host=given.host,
        port=given.port,
        workers=given.workers,
        udp_ports=given.udp_ports,
        log_level=given.log_level,
        tls=tls,
        models=models,
        server=server,
        max_sessions_auto=given.max_sessions is None,
        evaluation=evaluation,
        prelaunch_eval=given.prelaunch_eval,
    )


def _failed(error: Exception, code: int = 1) -> int:
    print(f"error: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
