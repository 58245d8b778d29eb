"""The server's side of one peer: one connection, its two tracks, its tick, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from enum import StrEnum
from functools import partial

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)

from models.engine import InferenceEngine
from rtc.audio import SoundReceiver
from rtc.channel import EmotionChannel
from rtc.clock import Clock
from rtc.config import SessionConfig
from rtc.messages import CHANNEL_LABEL
from rtc.metrics import Counts
from rtc.observer import Observer
from rtc.offers import OfferError, with_long_packets
from rtc.receiver import MediaReceiver
from rtc.rhythm import Rhythm
from rtc.video import PictureReceiver

_log = logging.getLogger(__name__)


class SessionState(StrEnum):
    """Where a session is in its life; it only ever moves down this list."""

    NEW = "new"
    CONNECTING = "connecting"
    LIVE = "live"
    CLOSING = "closing"
    CLOSED = "closed"


class _SessionOver(Exception):  # noqa: N818  it ends a task group; nothing went wrong
    """Raised inside the session's task group to end all of it."""


class PeerSession:
    """One ``RTCPeerConnection`` from offer to end.

    Attributes:
        session_id: for the log.
        state: see ``SessionState``.
    """

    def __init__(
        self,
        session_id: str,
        engine: InferenceEngine,
        config: SessionConfig,
        clock: Clock = time.monotonic,
    ) -> None:
        self.session_id = session_id
        self.state = SessionState.NEW
        self._config = config
        self._clock = clock
        self._observer = Observer(f"session {session_id}", engine, config, clock)
        self._sound: SoundReceiver | None = None
        self._pictures: PictureReceiver | None = None
        self._receiver: MediaReceiver | None = None
        self._channel: EmotionChannel | None = None
        self._results = 0
        self._over = asyncio.Event()
        self._why_over = "it was asked to end"
        # Without an explicit list, be it empty, aiortc asks a public STUN server for our address.
        servers = [
            RTCIceServer(list(given.urls), given.username, given.credential)
            for given in config.ice_servers
        ]
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._peer.on("track", self._on_track)
        self._peer.on("datachannel", self._on_data_channel)
        self._peer.on("connectionstatechange", self._on_connection_state)

    @property
    def counts(self) -> Counts:
        """What it has received and sent so far."""
        return Counts(
            pictures=self._pictures.count if self._pictures else 0,
            results=self._results,
            dropped=self._channel.drops if self._channel else 0,
            skipped=self._observer.late,
        )

    async def answer(self, offer: RTCSessionDescription) -> RTCSessionDescription:
        """Answer a complete offer (candidates included); ``run`` must follow.

        Raises:
            rtc.offers.OfferError: the offer cannot be answered.
        """
        self.state = SessionState.CONNECTING
        try:
            await self._peer.setRemoteDescription(offer)
        except Exception as error:
            # aiortc raises many kinds for what passes its parser but cannot be: no common codec,
            # no transport. All of them are the offer's fault; what comes below would be ours.
            _log.info("an offer could not be answered", exc_info=True)
            raise OfferError(
                "The offer cannot be answered; it has no codec or transport that we share."
            ) from error
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        answer = self._peer.localDescription
        transports = {each.receiver.transport for each in self._peer.getTransceivers()}
        self._receiver = MediaReceiver(
            transports, answer.sdp, self._sound, self._pictures, self._clock
        )
        self._receiver.attach()
        return with_long_packets(answer)

    async def run(self) -> None:
        """Serve the peer until it is gone, then free everything. ``end`` ends it from outside."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._until_over(), name=f"{self.session_id} over")
                if self._receiver is not None:
                    tasks.create_task(self._receiver.run(), name=f"{self.session_id} feedback")
                tasks.create_task(self._tick(tasks), name=f"{self.session_id} tick")
        except* _SessionOver:
            counts = self.counts
            _log.info(
                "session %s ended: %s; %d requests skipped, %d messages dropped",
                *(self.session_id, self._why_over, counts.skipped, counts.dropped),
            )
        finally:
            await self.aclose()

    def end(self, why: str) -> None:
        """Have ``run`` finish soon; the first reason given is the one that is logged."""
        if not self._over.is_set():
            self._why_over = why
            self._over.set()

    async def aclose(self) -> None:
        """Close the connection; harmless when it is closed already."""
        if self.state is SessionState.CLOSED:
            return
        self.state = SessionState.CLOSING
        # aiortc also closes by itself when the peer says goodbye, and both share one future:
        # cancelling it here would break the other, hence the shield.
        closing = asyncio.shield(self._peer.close())
        try:
            async with asyncio.timeout(self._config.close_timeout_s):
                await closing
        except TimeoutError:
            _log.warning("session %s: closing took too long and was given up", self.session_id)
        self.state = SessionState.CLOSED

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio":
            self._sound = self._observer.sound = SoundReceiver(self._clock)
        else:
            self._pictures = self._observer.pictures = PictureReceiver(self._clock)

    def _on_data_channel(self, channel: RTCDataChannel) -> None:
        if channel.label == CHANNEL_LABEL and self._channel is None:
            self._channel = EmotionChannel(channel, self._config.max_buffered_bytes)
            channel.on("message", partial(self._on_message, self._channel))
            channel.on("close", lambda: self.end("the peer closed its data channel"))

    def _on_message(self, channel: EmotionChannel, received: str | bytes) -> None:
        try:
            channel.send(self._observer.answer(received))
        except Exception:  # noqa: BLE001  raised into aiortc it would end the connection
            _log.exception("session %s: a message could not be answered", self.session_id)

    def _on_connection_state(self) -> None:
        state = self._peer.connectionState
        if state == "connected" and self.state is SessionState.CONNECTING:
            self.state = SessionState.LIVE
        elif state in {"failed", "closed"}:
            self.end(f"the connection is {state}")

    async def _until_over(self) -> None:
        await self._over.wait()
        raise _SessionOver

    async def _tick(self, tasks: asyncio.TaskGroup) -> None:
        """Ask, wait a little, send; on a grid, so that delays do not add up."""
        started_at = self._clock()
        rhythm = Rhythm(self._config.tick_interval_s, started_at)
        while True:
            now = self._clock()
            await asyncio.sleep(rhythm.next_due(now) - now)
            self._end_without_media(started_at)
            if self._channel is None:
                continue
            await self._fresh_picture(rhythm)
            await self._observer.tick(tasks)
            self._channel.send(self._observer.message(self._results, int(time.time() * 1000)))
            self._results += 1

    async def _fresh_picture(self, rhythm: Rhythm) -> None:
        pictures, due_at = self._pictures, self._clock()
        if pictures is None:
            return
        if patience_s := rhythm.patience_s(due_at, pictures.captured_at):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await pictures.arrival()
                rhythm.came_after(self._clock() - due_at)

    def _end_without_media(self, started_at: float) -> None:
        newest_at = self._observer.newest_at
        last_at = started_at if newest_at is None else newest_at
        if self._clock() - last_at > self._config.media_timeout_s:
            self.end(f"no sound and no picture for {self._config.media_timeout_s:.0f} s")
