"""Composition root: flags and environment -> configuration -> engine -> application -> run."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from eval.config import EvalConfig, add_evaluation_flags, evaluation_from
from models.command_line import CommandParser
from models.threads import limit_threads_or_exit
from rtc.serving_settings import ServingSettings

if TYPE_CHECKING:
    from models.loading import LoadedModels
    from rtc.tls import Identity, TlsConfig

# Imports that load numpy stand inside the functions: threads must be limited before.

_EPILOG = """\
Names in square brackets are environment variables; a flag wins over its variable. Exit code: 0
after Ctrl-C or SIGTERM; 2 when a flag, a variable, or a file that one of them names is wrong; 1
when the server cannot run: the port is taken, a device or a library is not there, or weights
that come with the project are damaged."""


@dataclass(frozen=True)
class Settings(ServingSettings):
    """Everything that flags and environment say."""

    host: str
    port: int
    workers: int
    tls: TlsConfig
    evaluation: EvalConfig
    prelaunch_eval: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server until a signal; return the exit code that ``--help`` explains."""
    try:
        limit_threads_or_exit()
        settings = read_settings(argv)
        return _told(partial(_run, settings), settings)
    except KeyboardInterrupt:
        return 0  # Ctrl-C while libraries load


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
    from rtc.keys import CONFIG, MODELS
    from rtc.process import application
    from rtc.serve import Family, serve_until_signal
    from rtc.workers import SHARED_FOLDER

    async with application(settings, models) as app:
        places = app[CONFIG].max_sessions
        room = "Room for one person" if places == 1 else f"Room for {places} people"
        room += f" in each of {settings.workers} workers." if settings.workers > 1 else "."
        served = f"Voice: {app[MODELS].voice}. Face: {app[MODELS].face}. {room}"
        ready = "\n".join([served, *_invitation(settings, held, identity)])
        await serve_until_signal(
            app,
            held,
            on_ready=partial(_tell, parent, ready),
            tls=identity.context() if identity else None,
            family=Family(parent.fileno(), Path(os.environ[SHARED_FOLDER])) if parent else None,
        )


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
    from rtc.flags import add_server_flags
    from rtc.serving_settings import serving_from
    from rtc.tls import TlsConfig

    parser = CommandParser(
        prog="server.py",
        description="Real-time emotion recognition over WebRTC: voice, face and both fused.",
        epilog=_EPILOG,
    )
    add_server_flags(parser)
    add_evaluation_flags(parser)
    given = parser.parse_args(argv)
    try:
        return Settings(
            host=given.host,
            port=given.port,
            workers=given.workers,
            tls=TlsConfig(given.cert_file, given.key_file, given.self_signed),
            evaluation=evaluation_from(given),
            prelaunch_eval=given.prelaunch_eval,
            **vars(serving_from(given)),
        )
    except ValueError as error:
        parser.error(str(error))


def _failed(error: Exception, code: int = 1) -> int:
    print(f"error: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
