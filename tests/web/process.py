"""The server as a person starts it: a process of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import ifaddr

_ROOT = Path(__file__).resolve().parents[2]
_STOP_S = 5.0

# aioice offers no address on a host that has only 127.0.0.1: there, have it offer that one.
_ON_LOOPBACK = """
import runpy, sys
import aioice.ice
aioice.ice.get_host_addresses = lambda **_: ["127.0.0.1"]
sys.argv = sys.argv[1:]
sys.path.insert(0, ".")
runpy.run_path("server.py", run_name="__main__")
"""


@dataclass
class ServerProcess:
    """A running server.

    Attributes:
        url: where it says it is, without the last slash.
        killed: the test killed it, so that its exit code says nothing.
        told: the test has told it to end; a second signal would cut its end short.
    """

    url: str
    process: subprocess.Popen[str]
    killed: bool = False
    told: bool = False

    async def sessions(self) -> int:
        """Return how many people the server says it serves."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/healthz") as response:
            fields = await response.json()
            return int(fields["sessions"])

    async def is_serving(self, count: int) -> bool:
        return await self.sessions() == count

    def kill(self) -> None:
        """End it without a goodbye to anybody."""
        self.killed = True
        self.process.kill()

    def terminate(self) -> None:
        """Tell it to end in order, once."""
        if not self.told:
            self.told = True
            self.process.terminate()


@contextmanager
def running_server(log: Path, *flags: str) -> Iterator[ServerProcess]:
    """Start a server on a free port; in the end it must obey SIGTERM, without a traceback."""
    alone = all(ip.ip == "127.0.0.1" for a in ifaddr.get_adapters() for ip in a.ips if ip.is_IPv4)
    program = ["-c", _ON_LOOPBACK, "server.py"] if alone else ["server.py"]
    # Without --drain 0 it would wait for those whom a test has left there.
    given = ["--port", "0", "--offline", "--face-model", "embedded", "--drain", "0", *flags]
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, *program, *given],
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            url = next((ln.split()[1] for ln in process.stdout if ln.startswith("Open ")), None)
            assert url, f"the server did not start:\n{log.read_text()}"
            server = ServerProcess(url.rstrip("/"), process)
            yield server
            server.terminate()
            code = process.wait(timeout=_STOP_S)
        finally:
            process.kill()
    assert server.killed or code == 0, f"exit code {code}:\n{log.read_text()}"
    assert "Traceback" not in log.read_text(), log.read_text()


async def seconds_until(holds: Callable[[], Awaitable[bool]], within_s: float) -> float:
    """Wait until something holds; return how long that took.

    Raises:
        TimeoutError: it did not come to hold in time.
    """
    began_at = time.monotonic()
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110  what it asks is another process
            await asyncio.sleep(0.05)
    return time.monotonic() - began_at
