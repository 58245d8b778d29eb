"""The healthy peer whose results must keep coming while others attack, and its made-up media."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Self

import av
import numpy as np

from eval.bench.media import EncodedMedia, MediaShape, encode_pictures, encode_sound
from eval.bench.peers import EncodedTrack
from eval.guest import Guest

_SHAPE = MediaShape(width=320, height=240, frame_rate_hz=8, video_bit_rate=200_000, packet_ms=60)
_SECONDS = 4
_SOUND_RATE_HZ = 48_000


def made_up_media() -> EncodedMedia:
    """Encode a hum that swells and fades, and a gradient that moves: nobody need be in it."""
    time_s = np.arange(_SECONDS * _SOUND_RATE_HZ) / _SOUND_RATE_HZ
    hum = 8000 * np.sin(2 * np.pi * 180 * time_s) * np.sin(2 * np.pi * time_s)
    rows, columns = np.mgrid[: _SHAPE.height, : _SHAPE.width]
    pictures = [
        av.VideoFrame.from_ndarray(
            np.stack([rows + shift, columns, rows + columns], axis=2).astype(np.uint8), "rgb24"
        ).reformat(format="yuv420p")
        for shift in range(0, 4 * _SECONDS * _SHAPE.frame_rate_hz, 4)
    ]
    return EncodedMedia(
        encode_sound(hum.astype(np.int16), _SHAPE.packet_ms), encode_pictures(pictures, _SHAPE)
    )


class Watcher(Guest):
    """Use as ``async with``.

    Attributes:
        came_at_s: when each of its results came, on the monotonic clock.
        answer: the server's description, which says where its media port is.
        offer: its own.
    """

    def __init__(self, url: str, media: EncodedMedia) -> None:
        self.came_at_s: list[float] = []
        self.answer = ""
        self.offer = ""
        tracks = EncodedTrack("audio", media.sound), EncodedTrack("video", media.pictures)
        super().__init__(url, *tracks)

    async def __aenter__(self) -> Self:
        """Connect, and wait for a result.

        Raises:
            rtc.client.RefusedError: the server refused.
        """
        await super().__aenter__()
        try:
            await anext(self.client.results())
        except BaseException:
            await self.client.aclose()
            raise
        self.answer = self.client.connection.remoteDescription.sdp
        self.offer = self.client.connection.localDescription.sdp
        return self

    def begin_anew(self) -> None:
        """Forget what came so far."""
        self.came_at_s.clear()

    def intervals_s(self, until_s: float) -> list[float]:
        """Return the times between results, and between the last one and ``until_s``."""
        return [later - earlier for earlier, later in pairwise([*self.came_at_s, until_s])]

    def _on_text(self, text: str) -> None:  # noqa: ARG002  whatever it says
        self.came_at_s.append(time.monotonic())
