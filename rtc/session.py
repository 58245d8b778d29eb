"""The server's side of one peer: one connection, its two tracks, its tick, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from enum import StrEnum

from aiortc import (
    MediaStreamTrack,
    RTCPeerConnection,
    RTCSessionDescription,
)

from models.engine import InferenceEngine
from rtc.announcing import announced
from rtc.audio import SoundReceiver
from rtc.clock import Clock
from rtc.config import SessionConfig
from rtc.conversation import Conversation
from rtc.counts import Counts
from rtc.feed import Feed
from rtc.lifetime import Lifetime
from rtc.messages import NoticeMessage
from rtc.observer import Observer
from rtc.offers import OfferError, with_long_packets
from rtc.reasons import Event
from rtc.receiver import MediaReceiver, relieve
from rtc.rhythm import Rhythm
from rtc.sctp import AssociationGuard
from rtc.trickle import Trickle
from rtc.video import PictureReceiver
from rtc.watchdog import MediaWatchdog
from rtc.ways import check_candidates, rtc_configuration

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
        was_live: whether its peer ever connected.
        feed: for those who watch.
        trickle: for candidates that come after the offer.
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
        self.was_live = False
        self.feed = Feed()
        self._config = config
        self._clock = clock
        self._observer = Observer(f"session {session_id}", engine, config, clock)
        self._sound: SoundReceiver | None = None
        self._pictures: PictureReceiver | None = None
        self._receiver: MediaReceiver | None = None
        self._results = 0
        self._conversation = Conversation(self._observer, self.feed, config, clock, self.end)
        self._lifetime = Lifetime(config, clock())
        self._watchdog = MediaWatchdog(self._observer, config.stall_s)
        self._over = asyncio.Event()
        self._why_over = "it was asked to end"
        self._peer = RTCPeerConnection(
            rtc_configuration(config.ice_servers, relay_only=config.ice_relay_only)
        )
        self.trickle = Trickle(self._peer)
        self._peer.on("track", self._on_track)
        self._peer.on("datachannel", self._conversation.open)
        self._peer.on("connectionstatechange", self._on_connection_state)

    @property
    def counts(self) -> Counts:
        """What it has received and sent so far."""
        return Counts(
            pictures=self._pictures.count if self._pictures else 0,
            results=self._results,
            dropped=self._conversation.drops,
            faults=self._conversation.faults,
            skipped=self._observer.late,
        )

    async def answer(self, offer: RTCSessionDescription) -> RTCSessionDescription:
        """Answer a complete offer (candidates included); ``run`` must follow.

        Raises:
            rtc.offers.OfferError: the offer cannot be answered.
            rtc.ways.NoWayError: there is no address to which media could come.
        """
        self.state = SessionState.CONNECTING
        try:
            await self._peer.setRemoteDescription(offer)
        except Exception as error:
            # aiortc raises many kinds for what passes its parser but cannot be: no common codec,
            # no transport. All of them are the offer's fault; what comes below would be ours.
            _log.info("an offer could not be answered", extra={"error": type(error).__name__})
            raise OfferError(
                "The offer cannot be answered; it has no codec or transport that we share."
            ) from error
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        answer = self._announced(self._peer.localDescription)
        check_candidates(answer.sdp, relay_only=self._config.ice_relay_only)
        transports = {each.receiver.transport for each in self._peer.getTransceivers()}
        for each in self._peer.getTransceivers():
            relieve(each.receiver)
        if self._peer.sctp is not None:
            AssociationGuard(self._peer.sctp)
            transports.add(self._peer.sctp.transport)  # its own, where the offer bundles nothing
        self._receiver = MediaReceiver(
            transports, answer.sdp, self._sound, self._pictures, self._clock
        )
        self._receiver.attach()
        return with_long_packets(answer)

    def _announced(self, answer: RTCSessionDescription) -> RTCSessionDescription:
        address = self._config.announce_address
        if address is None:
            return answer
        return RTCSessionDescription(sdp=announced(answer.sdp, address), type=answer.type)

    async def run(self) -> None:
        """Serve the peer until it is gone, then free everything. ``end`` ends it from outside."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._until_over(), name=f"{self.session_id} over")
                if self._receiver is not None:
                    tasks.create_task(self._receiver.run(), name=f"{self.session_id} feedback")
                    roaming = self._receiver.roaming.run()
                    tasks.create_task(roaming, name=f"{self.session_id} roaming")
                tasks.create_task(self._tick(tasks), name=f"{self.session_id} tick")
        except* _SessionOver:
            counts = self.counts
            facts = {"why": self._why_over, "skipped": counts.skipped, "dropped": counts.dropped}
            _log.info("session ended", extra=facts)
        finally:
            await self.aclose()

    def end(self, why: str) -> None:
        """Have ``run`` finish soon; the first reason given is the one that is logged."""
        if not self._over.is_set():
            self._why_over = why
            self._over.set()

    def tell(self, code: Event, text: str) -> None:
        """Send a notice, if its peer or somebody else listens."""
        self._conversation.tell(NoticeMessage(code=code, text=text))

    async def aclose(self) -> None:
        """Close the connection; harmless when it is closed already."""
        if self.state is SessionState.CLOSED:
            return
        self.state = SessionState.CLOSING
        self.feed.end(self._why_over)
        # aiortc also closes by itself when the peer says goodbye, and both share one future:
        # cancelling it here would break the other, hence the shield.
        closing = asyncio.shield(self._peer.close())
        try:
            async with asyncio.timeout(self._config.close_timeout_s):
                await closing
        except TimeoutError:
            _log.warning("closing took too long and was given up")
        # Decoders have memory and threads of their own, which are not to wait for the collector.
        for media in (self._sound, self._pictures):
            if media is not None:
                media.begin_anew()
        self.state = SessionState.CLOSED

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio":
            self._sound = self._observer.sound = SoundReceiver(self._clock)
        else:
            self._pictures = self._observer.pictures = PictureReceiver(self._clock)

    def _on_connection_state(self) -> None:
        state = self._peer.connectionState
        if state == "connected" and self.state is SessionState.CONNECTING:
            self.state = SessionState.LIVE
            self.was_live = True
            self._lifetime.connected(self._clock())
        elif state in {"failed", "closed"}:
            self.end("the connection was lost" if state == "failed" else "its peer left")

    async def _until_over(self) -> None:
        await self._over.wait()
        raise _SessionOver

    async def _tick(self, tasks: asyncio.TaskGroup) -> None:
        """Ask, wait a little, send; on a grid, so that delays do not add up."""
        rhythm = Rhythm(self._config.tick_interval_s, self._clock())
        while True:
            now = self._clock()
            await asyncio.sleep(rhythm.next_due(now) - now)
            self._end_when_it_is_time()
            if not self._is_asked:
                continue
            await self._fresh_picture(rhythm)
            await self._observer.tick(tasks)
            message = self._observer.message(self._results, int(time.time() * 1000))
            self._conversation.tell(message)
            self._results += 1
            self._tell_of_faults()

    @property
    def _is_asked(self) -> bool:
        """Whether somebody wants results: the peer by its channel, or whoever watches.

        A peer without any channel has sent to be watched, be it later.
        """
        is_sent_to_be_watched = self._peer.sctp is None and self.state is SessionState.LIVE
        return self._conversation.is_open or is_sent_to_be_watched or self.feed.is_read

    async def _fresh_picture(self, rhythm: Rhythm) -> None:
        pictures, due_at = self._pictures, self._clock()
        if pictures is None:
            return
        if patience_s := rhythm.patience_s(due_at, pictures.captured_at):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await pictures.arrival()
                rhythm.came_after(self._clock() - due_at)

    def _end_when_it_is_time(self) -> None:
        packets = self._receiver.packets if self._receiver else 0
        newest_at = self._observer.newest_at
        if ending := self._lifetime.ending(self._clock(), newest_at, packets):
            if ending.is_final:
                self.tell("over", f"The server ends this session: {ending.why}.")
            self.end(ending.why)

    def _tell_of_faults(self) -> None:
        for fault, text in self._observer.take_faults():
            self._conversation.report(fault, text)
        if self._receiver is None:
            return
        now = self._clock()
        for fault, text in self._watchdog.look(self._receiver, self._sound, self._pictures, now):
            self._conversation.report(fault, text)
