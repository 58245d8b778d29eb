"""A cluster that a test tells what to do; it runs in a process of its own, ``rehearsal.py``."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

_REHEARSAL = Path(__file__).with_name("rehearsal.py")
_PATIENCE_S = 90.0

# Small, so that it is soon full, and without a download.
PLAN = {
    "sessions_per_replica": 3,
    "drain_s": 30,
    "flags": ["--offline", "--face-model", "embedded"],
}


@dataclass
class TestCluster:
    """A cluster of nodes, all on this machine.

    Attributes:
        url: of its ingress, without the last slash.
    """

    __test__ = False  # pytest takes it for tests

    url: str
    process: subprocess.Popen[str]

    async def do(self, what: str, **fields: Any) -> Any:
        """Have the cluster do something; return what it says."""
        async with asyncio.timeout(_PATIENCE_S):
            return await asyncio.to_thread(self.do_at_once, what, **fields)

    def do_at_once(self, what: str, **fields: Any) -> Any:
        """As ``do``, while everything else waits."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": what, **fields}) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        """Return what it says next."""
        assert self.process.stdout is not None
        answer = json.loads(self.process.stdout.readline() or '{"failed": "it ended"}')
        assert "failed" not in answer, answer["failed"]
        return answer["done"]

    async def sessions(self) -> dict[str, int]:
        """Return how many people each replica serves, as its metrics tell."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/metrics") as response:
            text = await response.text()
        found = re.findall(r'(?m)^emotion_sessions\{replica="(\w+)"\} (\d+)', text)
        return {place: int(count) for place, count in found}

    async def health(self) -> dict[str, Any]:
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/healthz") as response:
            return await response.json()

    async def is_serving(self, count: int) -> bool:
        return (await self.health())["sessions"] == count


def free_port() -> int:
    """Return a TCP port that nobody has; Ray Serve cannot choose one itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_cluster(nodes: int = 2, cpus: int = 1) -> Iterator[TestCluster]:
    """Start a cluster on which nothing is deployed yet; all of it is gone in the end."""
    port = free_port()
    with subprocess.Popen(
        (sys.executable, str(_REHEARSAL), str(nodes), str(cpus), str(port)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        cluster = TestCluster(f"http://127.0.0.1:{port}", process)
        try:
            cluster.answer()
            yield cluster
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(_PATIENCE_S)
