"""A publisher that knows WHIP and nothing of this project: aiortc, and HTTP by RFC 9725."""

from __future__ import annotations

import re
from types import TracebackType
from typing import Self

import aiohttp
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)


class WhipError(Exception):
    """The server refused; arguments are the status and the body."""


async def sdp_offer(
    *tracks: MediaStreamTrack, codec: str | None = None
) -> tuple[RTCPeerConnection, str]:
    """Return a connection, to be closed, and its complete offer."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for track in tracks:
        transceiver = connection.addTransceiver(track, direction="sendonly")
        if codec and track.kind == "video":
            codecs = RTCRtpSender.getCapabilities("video").codecs
            transceiver.setCodecPreferences([c for c in codecs if c.mimeType == codec])
    await connection.setLocalDescription(await connection.createOffer())
    return connection, connection.localDescription.sdp


class Publisher:
    """Sends tracks to ``url``/whip. Use as ``async with``; ``events`` is where results are."""

    def __init__(
        self,
        url: str,
        *tracks: MediaStreamTrack,
        key: str | None = None,
        token: str | None = None,
        codec: str | None = None,
    ) -> None:
        self._url = url
        self._tracks = tracks
        self._query = {"key": key} if key else {}
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._codec = codec
        self.location = self.etag = self.events = ""
        self.links: list[str] = []

    async def __aenter__(self) -> Self:
        self.connection, sdp = await sdp_offer(*self._tracks, codec=self._codec)
        headers = self._headers | {"Content-Type": "application/sdp"}
        async with (
            aiohttp.ClientSession() as http,
            http.post(
                f"{self._url}/whip", params=self._query, data=sdp, headers=headers
            ) as response,
        ):
            answer = await response.text()
            if response.status != 201:
                await self._hang_up()
                raise WhipError(response.status, answer)
            assert response.content_type == "application/sdp"
            self.location = response.headers["Location"]
            self.etag = response.headers["ETag"]
            self.links = response.headers.getall("Link")
        (self.events,) = [
            match[1] for link in self.links if (match := re.match(r"<(/sessions/.*/events)>", link))
        ]
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._hang_up()

    async def ask(self, method: str, **options: object) -> tuple[int, str]:
        """Make a request of the session's own URL; return status and body."""
        async with (
            aiohttp.ClientSession(headers=self._headers) as http,
            http.request(method, f"{self._url}{self.location}", **options) as response,
        ):
            return response.status, await response.text()

    async def _hang_up(self) -> None:
        await self.connection.close()
        for track in self._tracks:
            track.stop()
