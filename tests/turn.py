"""Debian's coturn as a person runs it: a process of its own, on this machine alone."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rtc.config import IceServer

_START_S = 10.0
_STOP_S = 5.0

# Of a server for nobody but this machine; the README's is one for the world.
_SETTINGS = """\
listening-ip=127.0.0.1
listening-port={port}
relay-ip=127.0.0.1
allow-loopback-peers
denied-peer-ip=0.0.0.0-255.255.255.255
allowed-peer-ip=127.0.0.1
fingerprint
lt-cred-mech
realm=test
user={username}:{credential}
userdb={folder}/turndb
pidfile={folder}/turn.pid
log-file=stdout
no-cli
no-tls
no-dtls
verbose
"""


@dataclass(frozen=True)
class TurnServer:
    """A running TURN server.

    Attributes:
        port: of 127.0.0.1, both UDP and TCP.
        log: what it says of its users.
    """

    port: int
    username: str
    credential: str
    log: Path

    @property
    def url(self) -> str:
        """To be named with ``--ice-server``."""
        return f"turn:127.0.0.1:{self.port}"

    def ice_server(self, transport: str = "udp", credential: str | None = None) -> IceServer:
        """Return how peers are told of it, with a credential of their own or the right one."""
        urls = (f"{self.url}?transport={transport}",)
        return IceServer(urls, self.username, credential or self.credential)


@contextmanager
def running_turn(folder: Path) -> Iterator[TurnServer]:
    """Start a TURN server that keeps its files in ``folder``. Skips where there is none."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("there is no turnserver on this machine; apt-get install coturn")
    turn = TurnServer(free_port(), "somebody", secrets.token_hex(8), folder / "turn.log")
    settings = folder / "turn.conf"
    given = {"port": turn.port, "username": turn.username, "credential": turn.credential}
    settings.write_text(_SETTINGS.format(folder=folder, **given))
    with (
        turn.log.open("w") as log,
        subprocess.Popen(
            [program, "-c", str(settings)], cwd=folder, stdout=log, stderr=log
        ) as process,
    ):
        try:
            _wait_until_it_listens(process, turn)
            yield turn
            process.terminate()
            process.wait(timeout=_STOP_S)
        finally:
            process.kill()


def free_port() -> int:
    """Return a port of 127.0.0.1 at which nobody is, on UDP and on TCP."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        tcp.bind(("127.0.0.1", 0))
        port = int(tcp.getsockname()[1])
        udp.bind(("127.0.0.1", port))
        return port


def _wait_until_it_listens(process: subprocess.Popen[bytes], turn: TurnServer) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        assert process.poll() is None, f"coturn did not start:\n{turn.log.read_text()}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", turn.port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"coturn does not listen:\n{turn.log.read_text()}")
