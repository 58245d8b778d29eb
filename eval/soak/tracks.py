"""A track that may stall, as a camera or a network does, and go on later."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import av
from aiortc import MediaStreamTrack

from eval.bench.peers import EncodedTrack


class StallingTrack(MediaStreamTrack):
    """Sends what an encoded track does; what stalls is not made up for, its time is left out."""

    def __init__(self, encoded: EncodedTrack) -> None:
        super().__init__()
        self.kind = encoded.kind
        self._encoded = encoded
        self._leap = 0  # frames whose time was left out
        self._flowing = asyncio.Event()
        self._flowing.set()

    def stall(self) -> None:
        """Send nothing until ``go_on``."""
        self._flowing.clear()

    def go_on(self) -> None:
        """Send again."""
        self._flowing.set()

    async def recv(self) -> av.Packet[Any]:
        """Return the next encoded frame at its time, later while it stalls."""
        packet = await self._encoded.recv()
        began_at_s = time.monotonic()
        if not self._flowing.is_set():
            await self._flowing.wait()
            stalled_s = time.monotonic() - began_at_s
            assert self._encoded.began_at_s is not None  # it has just sent something
            self._encoded.began_at_s += stalled_s  # or it would send all at once now
            self._leap += round(stalled_s / packet.time_base)
        assert packet.pts is not None
        packet.pts += self._leap
        return packet
