"""A real aiortc client: does what the page does, from Python."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import aiohttp
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from rtc.messages import CHANNEL_LABEL, EmotionMessage


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
        messages: what has come over the data channel, oldest first.
    """

    def __init__(self, url: str, *tracks: MediaStreamTrack) -> None:
        self.messages: list[EmotionMessage] = []
        self._url = url
        self._tracks = tracks
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._arrived = asyncio.Condition()
        self._notes: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        for track in self._tracks:
            self._connection.addTrack(track)
        channel = self._connection.createDataChannel(CHANNEL_LABEL, ordered=False, maxRetransmits=0)
        channel.on("message", self._on_message)
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

    def _on_message(self, text: str) -> None:
        self.messages.append(EmotionMessage.from_json(text))
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
