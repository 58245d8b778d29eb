"""Takes connections on a port that other processes may share; who serves fewer people is sooner."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

_log = logging.getLogger(__name__)

# A process that shares its port waits this long for each person it serves before it takes
# connections: one that serves fewer is there before it, if it is not busy.
_PAUSE_FOR_EACH_S = 0.002
_LONGEST_PAUSE_S = 0.1
_MOST_AT_ONCE = 4  # connections; more would be taken from those who come first next time
_PAUSE_AFTER_FAILURE_S = 1.0  # there are too many open files, or the like
_BACKLOG = 128


class Listener:
    """Accepts the connections of one socket."""

    def __init__(
        self,
        held: socket.socket,
        protocol: Callable[[], asyncio.BaseProtocol],
        tls: ssl.SSLContext | None,
        serving: Callable[[], int] | None = None,
    ) -> None:
        """Serve with ``protocol``.

        Args:
            held: bound, and shared with other processes or not.
            protocol: makes the protocol of a connection.
            tls: for https; http without.
            serving: gives how many people are served now, where the port is shared.
        """
        self._held = held
        self._protocol = protocol
        self._serving = serving
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._greetings: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: somebody who does not share the port listens there.
        """
        self._held.setblocking(False)
        self._held.listen(_BACKLOG)
        self._await_connection()

    async def aclose(self) -> None:
        """Accept no more; who shares the port goes on."""
        self._loop.remove_reader(self._held)
        if self._pause is not None:
            self._pause.cancel()
        for greeting in self._greetings:
            greeting.cancel()
        await asyncio.gather(*self._greetings, return_exceptions=True)

    def _await_connection(self) -> None:
        self._loop.add_reader(self._held, self._on_connection)

    def _on_connection(self) -> None:
        self._loop.remove_reader(self._held)
        people = self._serving() if self._serving else 0
        pause_s = min(_LONGEST_PAUSE_S, people * _PAUSE_FOR_EACH_S)
        self._pause = self._loop.call_later(pause_s, self._accept)

    def _accept(self) -> None:
        for _ in range(_MOST_AT_ONCE):
            try:
                connection, _ = self._held.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                break  # another process was there first, or the visitor has left
            except OSError:
                _log.exception("a connection cannot be accepted")
                self._pause = self._loop.call_later(_PAUSE_AFTER_FAILURE_S, self._await_connection)
                return
            task = asyncio.create_task(self._greet(connection), name="greeting")
            self._greetings.add(task)
            task.add_done_callback(self._greetings.discard)
        self._await_connection()

    async def _greet(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection, ssl=self._tls)
        except OSError as error:
            _log.debug("a connection ended before it began: %s", error)
            connection.close()
