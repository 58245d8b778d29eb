"""Two peers of aiortc's alone, without any of our code between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiortc import RTCConfiguration, RTCPeerConnection


@asynccontextmanager
async def two_peers() -> AsyncIterator[tuple[RTCPeerConnection, RTCPeerConnection]]:
    """Two aiortc peers, connected by a data channel."""
    ours, theirs = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    try:
        channel, opened = ours.createDataChannel("any"), asyncio.Event()
        channel.on("open", opened.set)
        await ours.setLocalDescription(await ours.createOffer())
        await theirs.setRemoteDescription(ours.localDescription)
        await theirs.setLocalDescription(await theirs.createAnswer())
        await ours.setRemoteDescription(theirs.localDescription)
        async with asyncio.timeout(10):
            await opened.wait()
        yield ours, theirs
    finally:
        await ours.close()
        await theirs.close()
