"""The way in: packets of sound and pictures, from the socket to where the newest of each is kept.

aiortc makes the connection and its keys. Its receivers, though, hold every picture back until the
next one comes, and sound for four packets, decode in two threads a person, and wake tasks for each
packet. Here a packet is decrypted and put in its place as it arrives.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pylibsrtp
from aiortc import RTCDtlsTransport, RTCRtpCodecParameters
from aiortc.sdp import SessionDescription

from rtc.assembly import PictureAssembly
from rtc.audio import SoundReceiver
from rtc.clock import Clock
from rtc.feedback import Reports
from rtc.reordering import Reordering
from rtc.rtp import RtpPacket, parse, unwrapped
from rtc.video import PictureReceiver

_SOUND_PATIENCE_S = 0.06  # for a late packet; longer, and the pause is heard less than the delay
_PICTURE_PATIENCE_S = 0.25  # a retransmission takes a round trip
_NACK_INTERVAL_S = 0.05
_KEY_PATIENCE_S = 0.3  # a key frame is on its way when a stream begins
_KEY_INTERVAL_S = 1.0
_REPORT_INTERVAL_S = 1.0
_MOST_EARLY = 64  # packets that came before the keys did


@dataclass
class _Stream:
    """One track on its way in."""

    reordering: Reordering
    ssrc: int = 0
    nacked_at: float = 0.0
    key_wanted_since: float | None = None
    key_asked_at: float = 0.0


class MediaReceiver:
    """Takes the media of one connection.

    Attributes:
        refused: packets that could not be decrypted or read.
    """

    def __init__(
        self,
        transports: Iterable[RTCDtlsTransport],
        answer: str,
        sound: SoundReceiver | None,
        pictures: PictureReceiver | None,
        clock: Clock,
    ) -> None:
        """Receive what ``answer``, our SDP, agrees to; ``attach`` must follow."""
        self.refused = 0
        self._transports = list(transports)
        self._codecs = _codecs_in(answer)
        self._sound = sound
        self._pictures = pictures
        self._clock = clock
        self._assembly = PictureAssembly()
        self._sound_stream = _Stream(Reordering(_SOUND_PATIENCE_S))
        self._picture_stream = _Stream(Reordering(_PICTURE_PATIENCE_S))
        self._reports = Reports(random.getrandbits(32))
        self._due: list[tuple[RTCDtlsTransport, bytes]] = []
        self._is_due = asyncio.Event()
        self._early: list[bytes] = []

    def attach(self) -> None:
        """Take all media datagrams from now on; everything else goes where it went."""
        for transport in self._transports:
            # aiortc and aioice have no public place for this; both are pinned, and tests hold them.
            for protocol in transport.transport._connection._protocols:  # noqa: SLF001
                take = partial(self._on_media, transport)
                vars(protocol)["datagram_received"] = partial(
                    _sort, take, protocol.datagram_received
                )

    async def run(self) -> None:
        """Send feedback, when it is due and every second, until cancelled."""
        loop = asyncio.get_running_loop()
        report_at = loop.time() + _REPORT_INTERVAL_S
        while True:
            try:
                async with asyncio.timeout_at(report_at):
                    await self._is_due.wait()
            except TimeoutError:  # by the loop's clock it may be a little early
                report_at = loop.time() + _REPORT_INTERVAL_S
                report = self._reports.report()
                if report:
                    self._due += [(transport, report) for transport in self._transports[:1]]
            self._is_due.clear()
            due, self._due = self._due, []
            for transport, message in due:
                # It may not be connected yet, or not any more.
                with contextlib.suppress(ConnectionError):
                    await transport._send_rtp(message)  # noqa: SLF001  as above

    def _on_media(self, transport: RTCDtlsTransport, data: bytes) -> None:
        srtp = transport._rx_srtp  # noqa: SLF001  as above
        if srtp is None:
            if len(self._early) < _MOST_EARLY:
                self._early.append(data)
            return
        if self._early:
            early, self._early = self._early, []
            for one in early:
                self._on_media(transport, one)
        try:
            packet = parse(srtp.unprotect(data))
        except (pylibsrtp.Error, ValueError):
            self.refused += 1
            return
        self._on_packet(transport, packet)

    def _on_packet(self, transport: RTCDtlsTransport, packet: RtpPacket) -> None:
        codec = self._codecs.get(packet.payload_type)
        if codec is None:
            self.refused += 1
            return
        self._reports.note(packet, codec.clockRate)
        if codec.name == "rtx":
            try:
                packet = unwrapped(packet, _original_of(codec), self._picture_stream.ssrc)
                codec = self._codecs[packet.payload_type]
            except (KeyError, ValueError):
                self.refused += 1
                return
        if codec.mimeType.startswith("audio/"):
            self._on_sound(packet, codec)
        else:
            self._on_picture(transport, packet, codec)

    def _on_sound(self, packet: RtpPacket, codec: RTCRtpCodecParameters) -> None:
        if self._sound is None:
            return
        for each in self._sound_stream.reordering.put(packet, self._clock()):
            if each.payload:
                self._sound.put_packet(each, codec)

    def _on_picture(
        self, transport: RTCDtlsTransport, packet: RtpPacket, codec: RTCRtpCodecParameters
    ) -> None:
        stream, pictures = self._picture_stream, self._pictures
        if pictures is None:
            return
        now = self._clock()
        stream.ssrc = packet.ssrc
        for each in stream.reordering.put(packet, now):
            picture = self._assembly.put(each, codec)
            if picture is not None and not pictures.put_encoded(picture):
                self._assembly.begin_anew()
        self._ask_again(transport, stream, now)

    def _ask_again(self, transport: RTCDtlsTransport, stream: _Stream, now: float) -> None:
        is_time = now - stream.nacked_at > _NACK_INTERVAL_S
        if is_time and (missing := stream.reordering.missing):
            stream.nacked_at = now
            self._send(transport, self._reports.nack(stream.ssrc, missing))
        if not self._assembly.needs_key:
            stream.key_wanted_since = None
            return
        if stream.key_wanted_since is None:
            stream.key_wanted_since = now
        has_waited = now - stream.key_wanted_since > _KEY_PATIENCE_S
        if has_waited and now - stream.key_asked_at > _KEY_INTERVAL_S:
            stream.key_asked_at = now
            self._send(transport, self._reports.picture_loss(stream.ssrc))

    def _send(self, transport: RTCDtlsTransport, message: bytes) -> None:
        self._due.append((transport, message))
        self._is_due.set()


def _sort(
    take: Callable[[bytes], None],
    pass_on: Callable[[bytes, Any], None],
    data: bytes,
    address: Any,
) -> None:
    """Take RTP; pass on RTCP, STUN and DTLS (RFC 7983, section 7, and RFC 5761, section 4)."""
    if len(data) > 1 and 127 < data[0] < 192 and not 192 <= data[1] < 224:
        take(data)
    else:
        pass_on(data, address)


def _codecs_in(answer: str) -> dict[int, RTCRtpCodecParameters]:
    codecs = [
        codec for media in SessionDescription.parse(answer).media for codec in media.rtp.codecs
    ]
    return {codec.payloadType: codec for codec in codecs if codec.payloadType is not None}


def _original_of(codec: RTCRtpCodecParameters) -> int:
    """Return the payload type of what a retransmission carries (RFC 4588, section 8.1)."""
    original = codec.parameters.get("apt")
    if not isinstance(original, int):
        raise ValueError("retransmissions of nothing")  # noqa: TRY004  the peer's fault, not a type
    return original
