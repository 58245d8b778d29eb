"""A way to the server that a test can cut, or have fall silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

_PIECE_BYTES = 65_536


class Relay:
    """Passes TCP on to a server, both ways.

    Attributes:
        url: by which the server is reached through it.
    """

    def __init__(self, server_url: str) -> None:
        self._server = urlsplit(server_url)
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._is_cut = False
        self.url = ""

    def cut(self) -> None:
        """Break every connection, and every one that is tried from now on."""
        self._is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def hold(self) -> None:
        """Pass nothing on, and break nothing."""
        self._passing.clear()

    def mend(self) -> None:
        """Be as in the beginning."""
        self._is_cut = False
        self._passing.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one connection, until one side ends it."""
        if self._is_cut:
            writer.transport.abort()
            return
        to_server = await asyncio.open_connection(self._server.hostname, self._server.port)
        pair = {writer, to_server[1]}
        self._writers |= pair
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass(reader, to_server[1]), name="to the server")
                tasks.create_task(self._pass(to_server[0], writer), name="from the server")
        finally:
            self._writers -= pair

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(_PIECE_BYTES):
                await self._passing.wait()
                writer.write(piece)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def relay_to(server_url: str) -> AsyncIterator[Relay]:
    """Run a relay to a server for as long as the test needs it."""
    relay = Relay(server_url)
    listening = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    relay.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield relay
    finally:
        relay.mend()
        listening.close()
        relay.cut()
