"""A client in Python: what the page does, for programs, benchmarks and tests."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiortc import (
    MediaStreamTrack,
    RTCPeerConnection,
    RTCSessionDescription,
)

from rtc.config import IceServer
from rtc.consent import keep_consent
from rtc.messages import CHANNEL_LABEL, SCHEMA_VERSION, EmotionMessage
from rtc.ways import rtc_configuration

_MOST_WAITING = 240  # results: two minutes; who reads none for longer loses the oldest
_REPLY_PATIENCE_S = 5.0


class RefusedError(Exception):
    """The server refused an offer; the message says why.

    Attributes:
        status: of HTTP.
        sentence: the server's reason.
        retry_after_s: when to come again, where the server said so.
    """

    def __init__(self, status: int, sentence: str, retry_after_s: int | None) -> None:
        super().__init__(f"the server refused ({status}): {sentence}")
        self.status = status
        self.sentence = sentence
        self.retry_after_s = retry_after_s


class EmotionClient:
    """One person at one server. Use as ``async with``, then ``publish``, then ``results``.

    Attributes:
        gone: why the connection ended without our doing, or None.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        ice_servers: tuple[IceServer, ...] = (),
        relay_only: bool = False,
        on_text: Callable[[str], None] | None = None,
    ) -> None:
        """Be ready for the server at ``url``.

        Args:
            url: of the page, with or without the slash at the end.
            token: where the server asks for one.
            ice_servers: which help to find a way; without any, none is asked.
            relay_only: take no way but that of a TURN server.
            on_text: called with each message as it arrives, but with no result after a newer one.
        """
        self.gone: str | None = None
        self._url = url.rstrip("/")
        self._token = token
        self._on_text = on_text
        self._results: deque[EmotionMessage] = deque(maxlen=_MOST_WAITING)
        self._replies: dict[int, dict[str, Any]] = {}
        self._newest = -1  # sequence of a result
        self._asked = 0
        self._closed = False
        self._news = asyncio.Condition()
        self._notes: set[asyncio.Task[None]] = set()
        self.connection = RTCPeerConnection(rtc_configuration(ice_servers, relay_only=relay_only))
        self.connection.on("connectionstatechange", self._on_state)
        self.channel = self.connection.createDataChannel(
            CHANNEL_LABEL, ordered=False, maxRetransmits=0
        )
        self.channel.on("message", self._on_message)
        self.channel.on("open", self._note)
        self.channel.on("close", lambda: self._on_gone("its data channel was closed"))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def publish(self, *tracks: MediaStreamTrack) -> None:
        """Send these tracks, at most one of sound and one of pictures; results come from then on.

        Raises:
            RefusedError: the server refused.
            aiohttp.ClientError: it is not there.
        """
        for track in tracks:
            self.connection.addTrack(track)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        local = self.connection.localDescription
        answer = await post_offer(self._url, {"sdp": local.sdp, "type": local.type}, self._token)
        await self.connection.setRemoteDescription(RTCSessionDescription(**answer))
        association = self.connection.sctp
        assert association is not None  # the data channel's
        keep_consent(association.transport.transport._connection)  # noqa: SLF001  as the server

    async def results(self) -> AsyncGenerator[EmotionMessage, None]:
        """Yield results as they come, each newer than the one before, until the connection ends."""
        while True:
            async with self._news:
                await self._news.wait_for(lambda: self._results or self._has_ended)
                if not self._results:
                    return
                result = self._results.popleft()
            yield result

    async def change(self, **settings: float) -> dict[str, Any]:
        """Send a settings message with these fields; return the reply.

        Raises:
            TimeoutError: none came; the channel may lose messages, so ask again.
        """
        self._asked += 1
        number = self._asked
        fields = {"version": SCHEMA_VERSION, "type": "settings", "id": number, **settings}
        async with asyncio.timeout(_REPLY_PATIENCE_S), self._news:
            await self._news.wait_for(lambda: self.channel.readyState == "open")
            self.channel.send(json.dumps(fields))
            await self._news.wait_for(lambda: number in self._replies)
        return self._replies.pop(number)

    async def aclose(self) -> None:
        """Hang up; harmless when that has been done."""
        self._closed = True
        await self.connection.close()
        await self._notify()

    @property
    def _has_ended(self) -> bool:
        return self._closed or self.gone is not None

    def _on_message(self, text: str) -> None:
        fields = json.loads(text)
        if fields["type"] == "emotion":
            if fields["sequence"] <= self._newest:
                return  # the channel is unordered, and results may be sent twice
            self._newest = fields["sequence"]
            self._results.append(EmotionMessage.from_json(text))
        elif isinstance(fields.get("id"), int):
            self._replies[fields["id"]] = fields
        if self._on_text is not None:
            self._on_text(text)
        self._note()

    def _on_state(self) -> None:
        if self.connection.connectionState in {"failed", "closed"}:
            self._on_gone(f"the connection is {self.connection.connectionState}")

    def _on_gone(self, why: str) -> None:
        if not self._closed:
            self.gone = self.gone or why
        self._note()

    def _note(self) -> None:
        note = asyncio.ensure_future(self._notify())
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    async def _notify(self) -> None:
        async with self._news:
            self._news.notify_all()


async def post_offer(url: str, offer: object, token: str | None = None) -> dict[str, str]:
    """POST an offer; return the answer.

    Raises:
        RefusedError: the status is another than 200.
        aiohttp.ClientError: nobody answers there.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{url}/offer", json=offer) as response,
    ):
        fields: dict[str, str] = await response.json()
        if response.status != 200:
            retry_after = response.headers.get("Retry-After")
            seconds = int(retry_after) if retry_after else None
            raise RefusedError(response.status, fields["error"], seconds)
        return fields
