"""Who is here: admits sessions, owns the one task of each, ends them all."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import NamedTuple

from aiortc import RTCSessionDescription
from structlog.contextvars import bound_contextvars

from models.engine import InferenceEngine
from rtc.clock import Clock
from rtc.config import ServerConfig
from rtc.counts import Counts
from rtc.directory import Directory
from rtc.limits import Visitors
from rtc.naming import Names, names_of
from rtc.reasons import Reason
from rtc.session import PeerSession

_log = logging.getLogger(__name__)

_WARNING_PAUSE_S = 60.0


class ServerFullError(RuntimeError):
    """Nobody more is served now; the message is a sentence for whoever asks.

    Attributes:
        reason: one word, for counts.
    """

    def __init__(self, sentence: str, reason: Reason) -> None:
        super().__init__(sentence)
        self.reason = reason


class Admitted(NamedTuple):
    """A session that has begun, what its peer is answered, and by what names it is found."""

    session: PeerSession
    answer: RTCSessionDescription
    names: Names


class SessionRegistry:
    """Invariant: a session is in ``sessions`` from its admission until its task has ended.

    Attributes:
        sessions: by their ids.
        visitors: where they came from.
        directory: by the names that others know them by.
    """

    def __init__(
        self, engine: InferenceEngine, config: ServerConfig, clock: Clock = time.monotonic
    ) -> None:
        self.sessions: dict[str, PeerSession] = {}
        self.visitors = Visitors(config.address_limits, config.retry_after_s, clock)
        self.directory = Directory()
        self._ended = Counts()
        self._engine = engine
        self._config = config
        self._clock = clock
        self._may_warn_at = 0.0
        self._closing = False
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def counts(self) -> Counts:
        """What all sessions have received and sent since the process began."""
        return sum((session.counts for session in self.sessions.values()), self._ended)

    def check_room(self) -> None:
        """See whether one more person would be served.

        Raises:
            ServerFullError: there is no place, or those who are here wait too long for their
                results already, or the server is about to stop.
        """
        if self._closing:
            raise ServerFullError("The server is about to stop.", "stopping")
        if len(self.sessions) >= self._config.max_sessions:
            raise ServerFullError("The server is full.", "full")
        if self.sessions and self._engine.delay_s > self._config.most_delay_s:
            raise ServerFullError("The server is full: it cannot keep up with more.", "late")

    async def admit(
        self, offer: RTCSessionDescription, address: str, key: str | None = None
    ) -> Admitted:
        """Answer an offer from ``address`` and serve its peer from now on.

        Args:
            offer: complete, or to be followed by more candidates.
            address: whose limits count.
            key: of whose making the names of the session are; without one, one is made up.

        Raises:
            rtc.naming.KeyRefusedError: that key could be guessed.
            ServerFullError: nobody more is served now.
            rtc.limits.TooManyError: that address has as many sessions as it may.
            rtc.offers.OfferError: the offer cannot be answered.
            rtc.ways.NoWayError: there is no address to which media could come.
        """
        names = names_of(key, self._config.place)
        self.check_room()
        self.visitors.enter(address)
        session_id = secrets.token_hex(4)
        # Whatever is logged in tasks that begin here, by aiortc too, is of this session.
        with bound_contextvars(session=session_id):
            session = PeerSession(session_id, self._engine, self._config.session)
            self.sessions[session_id] = session
            try:
                answer = await session.answer(offer)
            except BaseException:
                self._forget(session, address)
                await session.aclose()
                raise
            self.directory.add(session, names)
            serving = self._serve(session, address, names)
            task = asyncio.create_task(serving, name=f"session {session_id}")
        self._tasks[session_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(session_id))
        return Admitted(session, answer, names)

    async def ended(self, session_id: str) -> None:
        """Wait until there is no such session, or none any more."""
        if task := self._tasks.get(session_id):
            await asyncio.wait([task])

    async def drain(self, limit_s: float) -> None:
        """Let nobody more in, tell those who are here, and give them ``limit_s`` to leave."""
        self._closing = True
        if not limit_s or not self._tasks:
            return
        for session in self.sessions.values():
            session.tell(
                "stopping", f"The server is about to stop; this session ends in {limit_s:g} s."
            )
        await asyncio.wait(self._tasks.values(), timeout=limit_s)

    async def aclose(self) -> None:
        """End every session and wait until all are closed, or have had their time."""
        self._closing = True
        for session in self.sessions.values():
            session.end("the server stops")
        if self._tasks:
            limit_s = self._config.session.close_timeout_s + 1
            _, unfinished = await asyncio.wait(self._tasks.values(), timeout=limit_s)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)

    async def _serve(self, session: PeerSession, address: str, names: Names) -> None:
        try:
            await session.run()
        except Exception:  # noqa: BLE001  logged whole; the other sessions go on
            _log.exception("session failed")
        finally:
            self.directory.remove(session, names)
            self._forget(session, address)
            self._ended += session.counts
            if not session.was_live:
                self._warn_of_announced()

    def _warn_of_announced(self) -> None:
        """Say, once a minute at most, that the address that peers are told may be wrong."""
        address, now = self._config.session.announce_address, self._clock()
        if address is not None and now >= self._may_warn_at:
            self._may_warn_at = now + _WARNING_PAUSE_S
            _log.warning(
                "a peer could not connect; does --announce-address %s lead to this machine, with "
                "its UDP ports?",
                address,
            )

    def _forget(self, session: PeerSession, address: str) -> None:
        del self.sessions[session.session_id]
        self.visitors.leave(address)
