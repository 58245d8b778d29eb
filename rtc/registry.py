"""Who is here: admits sessions, owns the one task of each, ends them all."""

from __future__ import annotations

import asyncio
import logging
import secrets

from aiortc import RTCSessionDescription

from models.engine import InferenceEngine
from rtc.config import ServerConfig
from rtc.metrics import Counts
from rtc.session import PeerSession

_log = logging.getLogger(__name__)


class ServerFullError(RuntimeError):
    """As many sessions are live as the server was set to serve."""


class SessionRegistry:
    """Invariant: a session is in ``sessions`` from its admission until its task has ended."""

    def __init__(self, engine: InferenceEngine, config: ServerConfig) -> None:
        self.sessions: dict[str, PeerSession] = {}
        self._ended = Counts()
        self._engine = engine
        self._config = config
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()

    def counts(self) -> Counts:
        """What all sessions have received and sent since the process began."""
        return sum((session.counts for session in self.sessions.values()), self._ended)

    async def admit(
        self, offer: RTCSessionDescription
    ) -> tuple[PeerSession, RTCSessionDescription]:
        """Answer an offer and serve its peer from now on.

        Raises:
            ServerFullError: there is no place, or those who are here wait too long for their
                results already, or the server is about to stop.
            rtc.offers.OfferError: the offer cannot be answered.
        """
        if self._closing:
            raise ServerFullError("the server is about to stop")
        if len(self.sessions) >= self._config.max_sessions:
            raise ServerFullError(f"all {self._config.max_sessions} places are taken")
        if self.sessions and self._engine.delay_s > self._config.most_delay_s:
            raise ServerFullError("those who are here already wait for their results")
        session = PeerSession(secrets.token_hex(4), self._engine, self._config.session)
        self.sessions[session.session_id] = session
        try:
            answer = await session.answer(offer)
        except BaseException:
            del self.sessions[session.session_id]
            await session.aclose()
            raise
        task = asyncio.create_task(self._serve(session), name=f"session {session.session_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return session, answer

    async def aclose(self) -> None:
        """End every session and wait until all are closed, or have had their time."""
        self._closing = True
        for session in self.sessions.values():
            session.end("the server stops")
        if self._tasks:
            limit_s = self._config.session.close_timeout_s + 1
            _, unfinished = await asyncio.wait(self._tasks, timeout=limit_s)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)

    async def _serve(self, session: PeerSession) -> None:
        try:
            await session.run()
        except Exception:  # noqa: BLE001  logged whole; the other sessions go on
            _log.exception("session %s failed", session.session_id)
        finally:
            del self.sessions[session.session_id]
            self._ended += session.counts
