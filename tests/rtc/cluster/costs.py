"""What a cluster takes of a machine: ``python -m tests.rtc.cluster.costs --clip FILE``.

Processor time with nobody there, and for each offer; and memory, in which what processes share is
counted once (Linux only). Times are of the processor: they hold beside other work, too.
"""

# ruff: noqa: E402  threads are limited before anything loads numpy

from __future__ import annotations

from models.threads import limit_threads_or_exit

limit_threads_or_exit()

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from eval.bench.benched_server import cluster_command, running
from tests.media import Clip, SoundTrack, load_clip
from tests.peers import Peer

_REPLICAS, _PEOPLE = 2, 4
_SETTLED_S = 15.0
# The first of these that a command line has in it tells what the process is.
_KINDS = {
    ":SessionReplica": "replicas: what Ray knows of them",
    "rtc.cluster.child": "replicas: what serves",
    ":Ingress": "ingresses",
    "ProxyActor": "Ray Serve's proxy",
    "ServeController": "Ray Serve's controller",
    ":Roster": "roster",
    "gcs_server": "Ray's store of the cluster",
    "raylet/raylet": "Ray's raylet",
    "ray": "Ray: dashboard, agents, logs",
    "rtc.cluster": "the command itself",
}


def kinds_of(root: psutil.Process) -> dict[psutil.Process, str]:
    """Return the processes of a cluster, and of what kind they are."""
    found = {}
    for process in [root, *root.children(recursive=True)]:
        command = " ".join(process.cmdline())
        found[process] = next((kind for sign, kind in _KINDS.items() if sign in command), "others")
    return found


def processor_s(kinds: dict[psutil.Process, str]) -> Counter[str]:
    """Return the processor time that each kind has taken so far."""
    spent = Counter[str]()
    for process, kind in kinds.items():
        times = process.cpu_times()
        spent[kind] += times.user + times.system
    return spent


def memory_mb(kinds: dict[psutil.Process, str]) -> Counter[str]:
    """Return what each kind takes, shared pages by their share."""
    taken = Counter[str]()
    for process, kind in kinds.items():
        taken[kind] += process.memory_full_info().pss / 1e6
    return taken


async def offers(url: str, clip: Clip, count: int) -> None:
    """Have so many people come, one after another, have a result, and leave."""
    for _ in range(count):
        async with Peer(url, SoundTrack(clip.sound)) as person:
            await person.results(1)


def measure(root: psutil.Process, url: str, clip: Clip, count: int, seconds: float) -> None:
    """Measure, and print a table."""
    asyncio.run(offers(url, clip, 2))
    time.sleep(_SETTLED_S)
    kinds = kinds_of(root)
    before = processor_s(kinds)
    time.sleep(seconds)
    idle = Counter({kind: (s - before[kind]) / seconds for kind, s in processor_s(kinds).items()})
    before, began_at = processor_s(kinds), time.monotonic()
    asyncio.run(offers(url, clip, count))
    took_s = time.monotonic() - began_at
    after, memory = processor_s(kinds), memory_mb(kinds)
    print(f"{'':34} {'cores, idle':>12} {'ms an offer':>12} {'MB':>6}")
    for kind in sorted(set(kinds.values())):
        offer_ms = (after[kind] - before[kind] - idle[kind] * took_s) / count * 1000
        print(f"{kind:34} {idle[kind]:12.3f} {offer_ms:12.1f} {memory[kind]:6.0f}")
    print(f"{'all':34} {sum(idle.values()):12.3f} {'':12} {sum(memory.values()):6.0f}")


def main() -> int:
    """Start a cluster, measure it, end it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path, required=True, help="recording of somebody who speaks")
    parser.add_argument("--offers", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=30.0, help="with nobody there")
    given = parser.parse_args()
    clip = load_clip(given.clip)
    with tempfile.TemporaryDirectory() as folder:
        command = cluster_command(Path(folder), (), _REPLICAS, _PEOPLE)
        with running(None, command) as server:
            print(f"{_REPLICAS} replicas on one machine")
            measure(psutil.Process(server.pid), server.url, clip, given.offers, given.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
