"""A real aiortc client: does what the page does, from Python."""

from __future__ import annotations

import asyncio
import json
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from rtc.messages import CHANNEL_LABEL, SCHEMA_VERSION, EmotionMessage


class RefusedError(Exception):
    """The server answered an offer with something else than an answer."""

    def __init__(self, status: int, sentence: str, headers: dict[str, str]) -> None:
        super().__init__(f"{status}: {sentence}")
        self.status = status
        self.sentence = sentence
        self.headers = headers


class Peer:
    """One person. Use as ``async with Peer(url, sound_track, picture_track) as peer``.

    Attributes:
        messages: what has come over the data channel at ticks, oldest first.
        replies: what has come in answer to messages of ours, as JSON, oldest first.
    """

    def __init__(self, url: str, *tracks: MediaStreamTrack) -> None:
        self.messages: list[EmotionMessage] = []
        self.replies: list[dict[str, Any]] = []
        self._url = url
        self._tracks = tracks
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._channel = self._connection.createDataChannel(
            CHANNEL_LABEL, ordered=False, maxRetransmits=0
        )
        self._channel.on("message", self._on_message)
        self._channel.on("open", self._note)
        self._asked = 0
        self._arrived = asyncio.Condition()
        self._notes: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        for track in self._tracks:
            self._connection.addTrack(track)
        try:
            await self._connection.setLocalDescription(await self._connection.createOffer())
            local = self._connection.localDescription
            answer = await post_offer(self._url, {"sdp": local.sdp, "type": local.type})
            await self._connection.setRemoteDescription(RTCSessionDescription(**answer))
        except BaseException:
            await self._connection.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._connection.close()
        for track in self._tracks:
            track.stop()

    @property
    def state(self) -> str:
        """The connection's state, in W3C's words."""
        return str(self._connection.connectionState)

    async def results(self, count: int, timeout_s: float = 30.0) -> list[EmotionMessage]:
        """Wait until ``count`` messages have come; return the newest ``count``."""
        async with asyncio.timeout(timeout_s), self._arrived:
            wanted = len(self.messages) + count
            await self._arrived.wait_for(lambda: len(self.messages) >= wanted)
        return self.messages[-count:]

    async def ask(self, **settings: object) -> dict[str, Any]:
        """Send a settings message with these fields and an id of its own; return the reply."""
        self._asked += 1
        fields = {"version": SCHEMA_VERSION, "type": "settings", "id": self._asked, **settings}
        reply = await self.reply_to(json.dumps(fields))
        assert reply["id"] == self._asked
        return reply

    async def reply_to(self, message: str | bytes) -> dict[str, Any]:
        """Send a message as it is, once the channel is open; return the next reply."""
        async with asyncio.timeout(10.0), self._arrived:
            await self._arrived.wait_for(lambda: self._channel.readyState == "open")
            before = len(self.replies)
            self._channel.send(message)
            await self._arrived.wait_for(lambda: len(self.replies) > before)
        return self.replies[before]

    def _on_message(self, text: str) -> None:
        fields = json.loads(text)
        if fields["type"] == "emotion":
            self.messages.append(EmotionMessage.from_json(text))
        else:
            self.replies.append(fields)
        self._note()

    def _note(self) -> None:
        note = asyncio.ensure_future(self._notify())
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    async def _notify(self) -> None:
        async with self._arrived:
            self._arrived.notify_all()


async def post_offer(url: str, body: object) -> dict[str, str]:
    """POST an offer; return the answer.

    Raises:
        RefusedError: the status is not 200.
    """
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/offer", json=body) as response,
    ):
        fields: dict[str, str] = await response.json()
        if response.status != 200:
            raise RefusedError(response.status, fields["error"], dict(response.headers))
        return fields
