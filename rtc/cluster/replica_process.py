"""The process that serves a replica's people, as the replica has it: started, asked, ended."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from typing import Self

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict

from rtc.child_environment import child_environment
from rtc.cluster.messages import SESSION_HEADER, Answered, Asked, Duties
from rtc.cluster.plan import ENVIRONMENT
from rtc.forwarding import passed_on

_START_PATIENCE_S = 300.0  # a first start may download and convert networks
_STOP_PATIENCE_S = 10.0
_PATIENCE = aiohttp.ClientTimeout(2.0)
_MOST_MISSES = 2  # in a row: one pause of some seconds is no reason to cut everybody
_NO_LIMIT = aiohttp.ClientTimeout(total=None)


class ReplicaFailedError(RuntimeError):
    """The process does not serve; the message is what it said last."""


class ReplicaProcess:
    """A process that serves.

    Attributes:
        url: where, without the slash at the end.
    """

    def __init__(self, process: Process, secret: str) -> None:
        self.url = ""
        self._process = process
        self._said = "it said nothing"
        self._misses = 0
        self._abandoned: set[asyncio.Task[None]] = set()
        self._telling = asyncio.create_task(self._pass_on_errors(), name="errors of the replica")
        self._pass = f"Bearer {secret}"
        self._http = aiohttp.ClientSession(
            headers={hdrs.AUTHORIZATION: self._pass},
            connector=aiohttp.TCPConnector(limit=0),
            timeout=_NO_LIMIT,
            auto_decompress=False,
        )

    @classmethod
    async def start(cls, duties: Duties, environment: Mapping[str, str]) -> Self:
        """Return it once it serves.

        Args:
            duties: what it is to do.
            environment: settings of the whole cluster, in place of this machine's own.

        Raises:
            ReplicaFailedError: it ended before.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "rtc.cluster.child"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=child_environment(kept_back=ENVIRONMENT) | dict(environment),
            start_new_session=True,  # signals are for the replica, which ends it
        )
        replica = cls(process, duties.secret)
        try:
            replica.url = await replica._url_after(duties)
        except BaseException:
            await replica.aclose()
            raise
        return replica

    async def ask(self, asked: Asked) -> tuple[Answered, str | None]:
        """Return the answer to an offer, and the id of the session that it began.

        Who does not wait for the answer leaves no session behind.

        Raises:
            aiohttp.ClientError: the process has died.
        """
        asking = asyncio.create_task(self._ask(asked), name="an offer")
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            ending = asyncio.create_task(self._end_after(asking), name="an offer nobody waits for")
            self._abandoned.add(ending)
            ending.add_done_callback(self._abandoned.discard)
            raise

    async def _ask(self, asked: Asked) -> tuple[Answered, str | None]:
        headers = CIMultiDict(asked.headers)
        headers[hdrs.AUTHORIZATION] = self._pass
        async with self._http.request(
            asked.method, self.url + asked.path, headers=headers, data=asked.body
        ) as response:
            body = await response.read()
            session_id = response.headers.get(SESSION_HEADER)
            return Answered(response.status, passed_on(response.headers), body), session_id

    async def _end_after(self, asking: asyncio.Task[tuple[Answered, str | None]]) -> None:
        with contextlib.suppress(aiohttp.ClientError):
            _, session_id = await asking
            if session_id is not None:
                await self.end(session_id)

    async def until_over(self, session_id: str) -> None:
        """Wait until a session has ended, or the process."""
        with contextlib.suppress(aiohttp.ClientError):
            async with self._http.get(f"{self.url}/lasting/{session_id}") as response:
                await response.read()

    async def end(self, session_id: str) -> None:
        """End a session."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self._http.delete(f"{self.url}/lasting/{session_id}", timeout=_PATIENCE):
                pass

    async def end_all(self) -> None:
        """End every session."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self._http.delete(f"{self.url}/lasting", timeout=_PATIENCE):
                pass

    async def people(self) -> int:
        """Return how many people it serves.

        Raises:
            ReplicaFailedError: it does not answer.
        """
        try:
            async with self._http.get(f"{self.url}/healthz", timeout=_PATIENCE) as response:
                return int((await response.json())["sessions"])
        except (aiohttp.ClientError, KeyError, TimeoutError, ValueError) as error:
            raise ReplicaFailedError(f"the process does not answer: {self._said}") from error

    async def check(self) -> None:
        """Ask whether it serves; kill what hangs, so that its peers look for another at once.

        Raises:
            ReplicaFailedError: it has not answered twice in a row.
        """
        try:
            await self.people()
        except ReplicaFailedError:
            self._misses += 1
            if self._misses >= _MOST_MISSES:
                self._kill()
                raise
        else:
            self._misses = 0

    async def ended(self) -> str:
        """Wait until it has ended, by itself or killed; return what it said last."""
        await self._process.wait()
        return self._said

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def aclose(self) -> None:
        """Have it end its sessions and itself; harmless when it has ended."""
        for ending in self._abandoned:
            ending.cancel()
        await self._http.close()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_PATIENCE_S):
                await self._process.wait()
        except TimeoutError:
            self._kill()
            await self._process.wait()
        self._telling.cancel()
        await asyncio.wait([self._telling])

    async def _url_after(self, duties: Duties) -> str:
        """Tell it its duties; return where it serves then."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(dataclasses.asdict(duties)).encode() + b"\n")
        async with asyncio.timeout(_START_PATIENCE_S):
            line = await self._process.stdout.readline()
        if not line:
            await self._telling  # until its last word
            raise ReplicaFailedError(self._said)
        return line.decode().strip()

    async def _pass_on_errors(self) -> None:
        """Put what it says on standard error, where Ray keeps it, and remember the last of it."""
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            text = line.decode(errors="replace").rstrip()
            self._said = text.removeprefix("error: ") or self._said
            print(text, file=sys.stderr, flush=True)
