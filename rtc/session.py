"""The server's side of one peer: one connection, its two tracks, its tick, and its end."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)

from models.emotions import Scores
from models.engine import InferenceEngine
from models.tracker import EmotionTracker
from models.voice.features import SAMPLE_RATE_HZ, rms
from rtc.audio import AudioConsumer
from rtc.channel import EmotionChannel
from rtc.clock import Clock
from rtc.config import SessionConfig
from rtc.messages import CHANNEL_LABEL, EmotionMessage, message_from
from rtc.offers import OfferError
from rtc.video import FrameSampler, LatestFrame

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


@dataclass
class _Asked:
    """The one request that a modality may have under way, and what it has answered so far."""

    task: asyncio.Task[None] | None = None
    failed: bool = False

    @property
    def busy(self) -> bool:
        return self.task is not None and not self.task.done()


class PeerSession:
    """One ``RTCPeerConnection`` from offer to end.

    Attributes:
        session_id: for the log.
        state: see ``SessionState``.
        late: ticks that found the request of the tick before still unanswered.
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
        self.late = 0
        self._engine = engine
        self._config = config
        self._clock = clock
        self._tracker = EmotionTracker(config.tracker)
        self._audio: AudioConsumer | None = None
        self._video: FrameSampler | None = None
        self._channel: EmotionChannel | None = None
        self._samples_used = 0
        self._new_sound_at: float | None = None  # captured, and first used since the last message
        self._new_picture_at: float | None = None  # the same
        self._voice_asked = _Asked()
        self._face_asked = _Asked()
        self._over = asyncio.Event()
        self._why_over = "it was asked to end"
        # Without an explicit empty list aiortc asks a public STUN server for our address.
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peer.on("track", self._on_track)
        self._peer.on("datachannel", self._on_data_channel)
        self._peer.on("connectionstatechange", self._on_connection_state)

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
        return self._peer.localDescription

    async def run(self) -> None:
        """Serve the peer until it is gone, then free everything. ``end`` ends it from outside."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._until_over(), name=f"{self.session_id} over")
                if self._audio is not None:
                    tasks.create_task(self._audio.run(), name=f"{self.session_id} audio")
                if self._video is not None:
                    tasks.create_task(self._video.run(), name=f"{self.session_id} video")
                tasks.create_task(self._tick(tasks), name=f"{self.session_id} tick")
        except* _SessionOver:
            drops = self._channel.drops if self._channel else 0
            _log.info(
                "session %s ended: %s; %d results late, %d messages dropped",
                *(self.session_id, self._why_over, self.late, drops),
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
            self._audio = AudioConsumer(track, self._clock)
        else:
            self._video = FrameSampler(track, self._clock)

    def _on_data_channel(self, channel: RTCDataChannel) -> None:
        if channel.label == CHANNEL_LABEL and self._channel is None:
            self._channel = EmotionChannel(channel, self._config.max_buffered_bytes)
            channel.on("close", lambda: self.end("the peer closed its data channel"))

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
        """Ask, wait a little, send; on a fixed grid, so that delays do not add up."""
        interval_s = self._config.tick_interval_s
        started_at = self._clock()
        ticks = 0
        sequence = 0
        while True:
            ticks = max(ticks + 1, int((self._clock() - started_at) / interval_s))
            await asyncio.sleep(started_at + ticks * interval_s - self._clock())
            self._end_without_media(started_at)
            if self._channel is None:
                continue
            self._ask_voice(tasks)
            self._ask_face(tasks)
            await self._wait_for_results()
            self._channel.send(self._message(sequence))
            sequence += 1

    def _end_without_media(self, started_at: float) -> None:
        arrivals = [
            source.captured_at for source in (self._audio, self._video) if source is not None
        ]
        last_at = max((at for at in arrivals if at is not None), default=started_at)
        if self._clock() - last_at > self._config.media_timeout_s:
            self.end(f"no sound and no picture for {self._config.media_timeout_s:.0f} s")

    def _ask_voice(self, tasks: asyncio.TaskGroup) -> None:
        audio = self._audio
        if audio is None or audio.captured_at is None or audio.window.added == self._samples_used:
            return
        if self._voice_asked.busy:
            self.late += 1
            return
        self._samples_used = audio.window.added
        if audio.window.filled < self._config.min_window_s * SAMPLE_RATE_HZ:
            return
        window = audio.window.newest(audio.window.filled)
        if rms(window) < self._config.silence_rms:
            return
        self._voice_asked.task = tasks.create_task(
            self._predict_voice(window, audio.captured_at), name=f"{self.session_id} voice"
        )

    def _ask_face(self, tasks: asyncio.TaskGroup) -> None:
        if self._video is None:
            return
        if self._face_asked.busy:
            self.late += 1
            return
        if (frame := self._video.take()) is not None:
            self._face_asked.task = tasks.create_task(
                self._predict_face(frame), name=f"{self.session_id} face"
            )

    async def _wait_for_results(self) -> None:
        asked = (self._voice_asked, self._face_asked)
        waiting = [a.task for a in asked if a.task is not None and a.busy]
        if waiting:
            await asyncio.wait(waiting, timeout=self._config.result_wait_s)

    async def _predict_voice(self, window: npt.NDArray[np.float32], captured_at: float) -> None:
        try:
            scores = _finite(await self._engine.predict_voice(window))
        except Exception:  # noqa: BLE001  one person's window must not end their session
            self._log_once(self._voice_asked, "voice")
            return
        self._new_sound_at = captured_at
        self._tracker.add_voice(scores, captured_at)

    async def _predict_face(self, frame: LatestFrame) -> None:
        try:
            reading = await self._engine.predict_face(frame.rgb)
            if reading is not None:
                _finite(reading.scores)
        except Exception:  # noqa: BLE001  one person's picture must not end their session
            self._log_once(self._face_asked, "face")
            return
        self._new_picture_at = frame.captured_at
        if reading is not None:
            self._tracker.add_face(reading.scores, reading.box, frame.captured_at)

    def _log_once(self, asked: _Asked, modality: str) -> None:
        if not asked.failed:
            asked.failed = True
            _log.exception("session %s: the %s predictor failed", self.session_id, modality)

    def _message(self, sequence: int) -> EmotionMessage:
        now = self._clock()
        newest_at = self._new_picture_at or self._new_sound_at
        self._new_picture_at = self._new_sound_at = None
        return message_from(
            self._tracker.estimate(now),
            sequence=sequence,
            now=now,
            time_ms=int(time.time() * 1000),
            audio_level=self._audio.level(now) if self._audio else 0.0,
            newest_used_at=newest_at,
        )


def _finite(scores: Scores) -> Scores:
    """Return ``scores``; a network that gives none or infinite ones has failed."""
    if not np.isfinite(scores).all():
        raise ValueError("the network gave scores that are no numbers")
    return scores
