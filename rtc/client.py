"""A client in Python: what the page does, for programs, benchmarks and tests.

``python -m rtc.client URL CLIP`` is its command.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable
from types import TracebackType
from typing import Any, Self

from aiortc import RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from rtc.config import IceServer
from rtc.consent import keep_consent
from rtc.messages import CHANNEL_LABEL, SCHEMA_VERSION, EmotionMessage
from rtc.offering import Door, RefusedError, Ways, post_offer
from rtc.outgoing import Outgoing
from rtc.received import Received
from rtc.sources import Camera, Source, SourceError
from rtc.ways import rtc_configuration

__all__ = ["Camera", "EmotionClient", "RefusedError", "Source", "SourceError", "post_offer"]

_REPLY_PATIENCE_S = 5.0
_LAST_RESULTS = 2  # the first after the end may have been under way
_LAST_RESULTS_PATIENCE_S = 5.0


class EmotionClient:
    """One person at one server. Use as ``async with``, then ``publish``, then ``results``.

    Attributes:
        gone: why the connection ended without our doing, or None.
        watch_name: by which others can watch; None before the server has answered.
        connection: the peer connection; ``publish`` makes another where the server names ways.
        channel: its data channel.
    """

    def __init__(  # noqa: PLR0913  each is named, and none needs another
        self,
        url: str,
        *,
        token: str | None = None,
        fingerprint: str | None = None,
        ice_servers: tuple[IceServer, ...] | None = None,
        relay_only: bool = False,
        on_text: Callable[[str], None] | None = None,
    ) -> None:
        """Be ready for the server at ``url``.

        Args:
            url: of the page, with or without the slash at the end.
            token: where the server asks for one.
            fingerprint: SHA-256 of its certificate in hexadecimal, for one that signed itself.
            ice_servers: which help to find a way; by default those that the server names in its
                ``/config``.
            relay_only: take no way but that of a TURN server, even if the server takes others.
            on_text: called with each message as it arrives, notices too, but with no result after
                a newer one.

        Raises:
            ValueError: the fingerprint is none.
        """
        self.gone: str | None = None
        self.watch_name: str | None = None
        self._door = Door(url.rstrip("/"), token, fingerprint)
        self._received = Received(on_text)
        self._asked = 0
        self._closed = False
        self._outgoing = Outgoing(self._received.note)
        self._ending: asyncio.Task[None] | None = None
        self._asks_ways = ice_servers is None
        self._ways = Ways(ice_servers or (), relay_only)
        self.connection, self.channel = self._connection_by(self._ways)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    @property
    def watch_url(self) -> str | None:
        """Where a browser shows the results to others; with the token, if there is one."""
        return self.watch_name and self._door.watch_url(self.watch_name)

    async def publish(self, *sources: Source) -> None:
        """Send these, once, with at most one of sound and one of pictures in all.

        Results come from then on. Recordings are played in real time; when all that the client
        has opened itself is over and has its results, it hangs up. It stops all tracks when it
        hangs up, and hangs up when this fails.

        Raises:
            RuntimeError: it has published already.
            SourceError: a recording or a device is missing, or is no media.
            ValueError: there are two of sound, or two of pictures.
            RefusedError: the server refused.
            aiohttp.ClientError: it is not there.
        """
        if self.connection.localDescription is not None:
            raise RuntimeError("a client publishes once; give it all sources in one call")
        try:
            await self._outgoing.add(sources)
            await self._find_ways()
            await self._connect()
        except BaseException:
            await self.aclose()
            raise
        self._ending = asyncio.create_task(self._hang_up_when_over(), name="hang up when over")

    async def results(self) -> AsyncGenerator[EmotionMessage, None]:
        """Yield results as they come, each newer than the one before, until the connection ends."""
        waiting = self._received.results
        while True:
            await self._received.until(lambda: bool(waiting) or self._has_ended)
            if not waiting:
                return
            yield waiting.popleft()

    async def change(self, **settings: float) -> dict[str, Any]:
        """Send a settings message with these fields; return the reply.

        Raises:
            TimeoutError: none came within 5 s; the channel may lose messages, so ask again.
            ConnectionError: the connection has ended, or ended meanwhile; use another client.
        """
        self._asked += 1
        number, replies = self._asked, self._received.replies
        fields = {"version": SCHEMA_VERSION, "type": "settings", "id": number, **settings}
        with self._received.awaiting(number):
            async with asyncio.timeout(_REPLY_PATIENCE_S):
                await self._until_or_ended(lambda: self.channel.readyState == "open")
                self.channel.send(json.dumps(fields))
                await self._until_or_ended(lambda: number in replies)
            return replies[number]

    async def aclose(self) -> None:
        """Hang up and stop all tracks; harmless when that has been done."""
        ending = None if self._ending is asyncio.current_task() else self._ending
        if ending is not None and not self._closed:
            ending.cancel()
        self._closed = True
        try:
            await self.connection.close()
        finally:
            self._outgoing.stop()
            self._received.note()
        if ending is not None:
            await asyncio.wait([ending])

    def _connection_by(self, ways: Ways) -> tuple[RTCPeerConnection, RTCDataChannel]:
        """Return a connection that takes these ways, and its data channel."""
        connection = RTCPeerConnection(
            rtc_configuration(ways.ice_servers, relay_only=ways.relay_only)
        )
        connection.on("connectionstatechange", self._on_state)
        channel = connection.createDataChannel(CHANNEL_LABEL, ordered=False, maxRetransmits=0)
        channel.on("message", self._received.take)
        channel.on("open", self._received.note)
        channel.on("close", lambda: self._on_gone("its data channel was closed"))
        return connection, channel

    async def _find_ways(self) -> None:
        """Ask the server by which ways it is reached, unless we were told."""
        if not self._asks_ways:
            return
        asked = await self._door.ways()
        ways = Ways(asked.ice_servers, asked.relay_only or self._ways.relay_only)
        if ways == self._ways:
            return
        # aiortc cannot change those of a connection.
        unused, unused_channel = self.connection, self.channel
        for emitter in (unused, unused_channel):
            emitter.remove_all_listeners()
        self.connection, self.channel = self._connection_by(ways)
        await unused.close()

    async def _connect(self) -> None:
        for track in self._outgoing.tracks:
            self.connection.addTrack(track)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        local = self.connection.localDescription
        answer = await self._door.ask({"sdp": local.sdp, "type": local.type})
        self.watch_name = answer.get("session")
        described = RTCSessionDescription(sdp=answer["sdp"], type=answer["type"])
        await self.connection.setRemoteDescription(described)
        association = self.connection.sctp
        assert association is not None  # the data channel's
        keep_consent(association.transport.transport._connection)  # noqa: SLF001  as the server

    async def _hang_up_when_over(self) -> None:
        """Wait for the end of what is sent, and for results that tell of it; hang up."""
        await self._received.until(lambda: self._outgoing.is_over)
        if not await self._received.more(_LAST_RESULTS, _LAST_RESULTS_PATIENCE_S):
            self._on_gone("results came no more")
        await self.aclose()

    async def _until_or_ended(self, holds: Callable[[], bool]) -> None:
        await self._received.until(lambda: holds() or self._has_ended)
        if not holds():
            raise ConnectionError(
                f"the connection has ended ({self.gone or 'this client has hung up'}), and its "
                "settings with it; connect with another client"
            )

    @property
    def _has_ended(self) -> bool:
        return self._closed or self.gone is not None

    def _on_state(self) -> None:
        if self.connection.connectionState in {"failed", "closed"}:
            self._on_gone(f"the connection is {self.connection.connectionState}")

    def _on_gone(self, why: str) -> None:
        if not self._closed:
            self.gone = self.gone or why
        self._received.note()


if __name__ == "__main__":
    from rtc.client_command import main

    sys.exit(main())
