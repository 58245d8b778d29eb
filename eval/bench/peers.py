"""Synthetic peers: real ICE, DTLS, SRTP and data channels, but media that was encoded before.

Each keeps when every result came, and how old the newest picture and sound were that it used.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from eval.bench.media import EncodedLoop, EncodedMedia
from eval.guest import Guest


@dataclass(frozen=True)
class Result:
    """One message of a server, as a peer saw it.

    Attributes:
        at_s: when it came, on the peers' monotonic clock.
        picture_age_s: since the newest picture was captured whose result is new in it, or None.
        sound_age_s: the same for sound.
    """

    at_s: float
    picture_age_s: float | None
    sound_age_s: float | None


class EncodedTrack(MediaStreamTrack):
    """Sends encoded frames when they are due; time in the track begins with 0.

    Attributes:
        began_at_s: when the first frame was captured, on the monotonic clock; None before.
        latest_s: how much later than due a frame was sent at worst: the peers' own slowness.
    """

    def __init__(self, kind: str, loop: EncodedLoop) -> None:
        super().__init__()
        self.kind = kind
        self.began_at_s: float | None = None
        self.latest_s = 0.0
        self._encoded = loop
        self._next = 0

    async def recv(self) -> av.Packet[Any]:
        """Return the next encoded frame at its time."""
        if self.readyState != "live":
            raise MediaStreamError
        if self.began_at_s is None:
            self.began_at_s = time.monotonic()
        due_s = self.began_at_s + float(self._next * self._encoded.interval_s)
        await asyncio.sleep(due_s - time.monotonic())
        self.latest_s = max(self.latest_s, time.monotonic() - due_s)
        packet: av.Packet[Any] = av.Packet(
            self._encoded.frames[self._next % len(self._encoded.frames)]
        )
        packet.pts, packet.time_base = self._next, self._encoded.interval_s
        self._next += 1
        return packet


class SyntheticPeer(Guest):
    """One person who is not there. Use as ``async with``.

    Attributes:
        results: what has come, oldest first.
    """

    def __init__(self, url: str, media: EncodedMedia) -> None:
        self.results: list[Result] = []
        self._sound = EncodedTrack("audio", media.sound)
        self._pictures = EncodedTrack("video", media.pictures)
        self._sound_interval_s = float(media.sound.interval_s)
        super().__init__(url, self._sound, self._pictures)

    def begin_anew(self) -> None:
        """Forget what was measured so far."""
        self.results.clear()
        self._sound.latest_s = self._pictures.latest_s = 0.0

    @property
    def latest_s(self) -> float:
        """How much later than due media was sent, at worst."""
        return max(self._sound.latest_s, self._pictures.latest_s)

    def _on_text(self, text: str) -> None:
        now_s = time.monotonic()
        fields: dict[str, Any] = json.loads(text)
        if fields["type"] == "emotion":
            self.results.append(
                Result(
                    now_s,
                    _age_s(now_s, self._pictures.began_at_s, fields["picture_time_ms"]),
                    _age_s(now_s, self._sound_began_at_s, fields["sound_time_ms"]),
                )
            )

    @property
    def _sound_began_at_s(self) -> float | None:
        """When the first sample was captured: a packet is sent when its last one is."""
        began_at_s = self._sound.began_at_s
        return None if began_at_s is None else began_at_s - self._sound_interval_s


def _age_s(now_s: float, began_at_s: float | None, media_time_ms: int | None) -> float | None:
    if began_at_s is None or media_time_ms is None:
        return None
    return now_s - (began_at_s + media_time_ms / 1000)
