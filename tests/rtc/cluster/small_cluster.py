"""Replicas and an ingress as they are, in one process and without Ray, which hands offers out."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from rtc.cluster.front import create_front
from rtc.cluster.messages import Answered, Asked, Duties, Seen
from rtc.cluster.no_place import NoPlaceError
from rtc.cluster.plan import settings_from
from rtc.cluster.replica_process import ReplicaProcess

FLAGS = ("--offline", "--face-model", "embedded")


def duties(*flags: str, most_sessions: int = 2) -> Duties:
    """Return those of a replica on this machine."""
    return Duties(
        flags=FLAGS + flags,
        place=secrets.token_hex(4),
        host="127.0.0.1",
        cores=(0,),
        slot=0,
        most_sessions=most_sessions,
        secret=secrets.token_urlsafe(32),
    )


@asynccontextmanager
async def replica(duties: Duties) -> AsyncIterator[ReplicaProcess]:
    """Have its process serve."""
    process = await ReplicaProcess.start(duties, {})
    try:
        yield process
    finally:
        await process.aclose()


@dataclass
class SmallCluster:
    """Who is there, and what an ingress needs of them.

    Attributes:
        replicas: that serve.
        told: what is told of them, in place of how it is.
    """

    replicas: list[tuple[Duties, ReplicaProcess]] = field(default_factory=list)
    told: tuple[Seen, ...] | None = None

    async def everyone(self) -> tuple[Seen, ...]:
        """Return them as the roster would."""
        if self.told is not None:
            return self.told
        return tuple([
            Seen(d.place, process.url, await process.people(), d.most_sessions, d.secret)
            for d, process in self.replicas
        ])  # fmt: skip

    async def serve(self, asked: Asked, address: str) -> Answered:  # noqa: ARG002  the ingress's signature
        """Have the one answer that serves the fewest."""
        seen = [each for each in await self.everyone() if not each.is_full]
        if not seen:
            raise NoPlaceError.all_are_full(10) if self.replicas else NoPlaceError.none_is_up()
        best = min(seen, key=lambda each: each.sessions)
        (process,) = (p for d, p in self.replicas if d.place == best.place)
        answered, _ = await process.ask(asked)
        return answered


def front_of(cluster: SmallCluster, *flags: str) -> web.Application:
    """Return the ingress's application."""
    return create_front(settings_from(flags).server, cluster.serve, cluster.everyone)


@asynccontextmanager
async def small_cluster(count: int, *flags: str) -> AsyncIterator[tuple[str, SmallCluster]]:
    """Start replicas and the ingress; give its URL."""
    async with AsyncExitStack() as here:
        cluster = SmallCluster()
        for _ in range(count):
            each = duties()
            cluster.replicas.append((each, await here.enter_async_context(replica(each))))
        runner = web.AppRunner(front_of(cluster, *flags), access_log=None)
        await runner.setup()
        here.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}", cluster
