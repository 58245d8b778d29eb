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
from aiortc import RTCDtlsTransport, RTCRtpCodecParameters, RTCRtpReceiver
from aiortc.sdp import SessionDescription

from rtc.assembly import PictureAssembly
from rtc.audio import SoundReceiver
from rtc.clock import Clock
from rtc.consent import keep_consent
from rtc.feedback import Reports
from rtc.gate import Gate
from rtc.reordering import Reordering
from rtc.repair import Repair
from rtc.roaming import Roaming
from rtc.rtp import RtpPacket, parse, unwrapped
from rtc.video import PictureReceiver

_SOUND_PATIENCE_S = 0.06  # for a late packet; longer, and the pause is heard less than the delay
_PICTURE_PATIENCE_S = 0.5  # a retransmission takes a round trip, and may be lost, too
_REPORT_INTERVAL_S = 1.0
_MOST_SOURCES = 64  # of one peer, which has four; libsrtp keeps each, and goes through all of them
_MOST_EARLY = 64  # packets that came before the keys did

_Heard = Callable[[Any], None]  # told the address of who sent a packet that could be decrypted


@dataclass
class _Stream:
    """One track on its way in."""

    reordering: Reordering
    packets: int = 0
    ssrc: int = 0
    transport: RTCDtlsTransport | None = None


class MediaReceiver:
    """Takes the media of one connection.

    Attributes:
        roaming: where the peer is, when its address changes; to be run beside ``run``.
        packets: that were decrypted.
        refused: those that could not be decrypted or read.
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
        self.roaming = Roaming()
        self.packets = 0
        self.refused = 0
        self._transports = list(transports)
        self._codecs = _codecs_in(answer)
        self._sound = sound
        self._pictures = pictures
        self._clock = clock
        self._assembly = PictureAssembly()
        self._sound_stream = _Stream(Reordering(_SOUND_PATIENCE_S))
        self._picture_stream = _Stream(Reordering(_PICTURE_PATIENCE_S))
        self._repair = Repair()
        self._reports = Reports(random.getrandbits(32))
        self._sources: set[bytes] = set()  # synchronization sources of what was decrypted
        self._due: list[tuple[RTCDtlsTransport, bytes]] = []
        self._is_due = asyncio.Event()
        self._early: list[tuple[_Heard, bytes, Any]] = []

    def attach(self) -> None:
        """Take all media datagrams from now on; of everything else, pass on what may pass."""
        for transport in self._transports:
            # aiortc and aioice have no public place for this; both are pinned, and tests hold them.
            connection = transport.transport._connection  # noqa: SLF001
            keep_consent(connection)
            for protocol in connection._protocols:  # noqa: SLF001
                heard = partial(self.roaming.heard, connection, protocol)
                take = partial(self._on_media, transport, heard)
                gate = Gate(transport, protocol)
                vars(protocol)["datagram_received"] = partial(_sort, take, gate.take)

    async def run(self) -> None:
        """Send feedback, when it is due and every second, until cancelled."""
        loop = asyncio.get_running_loop()
        report_at = loop.time() + _REPORT_INTERVAL_S
        while True:
            again_at = self._repair.due_at
            pause_s = float("inf") if again_at is None else max(0.0, again_at - self._clock())
            try:
                async with asyncio.timeout_at(min(report_at, loop.time() + pause_s)):
                    await self._is_due.wait()
            except TimeoutError:  # by the clocks it may be a little early
                if again_at is not None and loop.time() + pause_s < report_at:
                    self._ask_again(max(again_at, self._clock()))
                else:
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

    @property
    def sound_packets(self) -> int:
        """How many packets of sound have come."""
        return self._sound_stream.packets

    @property
    def picture_packets(self) -> int:
        """How many packets of pictures have come."""
        return self._picture_stream.packets

    def begin_sound_anew(self) -> None:
        """Decode what comes from now on as if nothing had come before."""
        self._sound_stream.reordering = Reordering(_SOUND_PATIENCE_S)
        if self._sound is not None:
            self._sound.begin_anew()

    def begin_pictures_anew(self) -> None:
        """Decode, from the next key frame on, as if nothing had come before; ask for that frame."""
        self._picture_stream.reordering = Reordering(_PICTURE_PATIENCE_S)
        self._assembly.begin_anew()
        if self._pictures is not None:
            self._pictures.begin_anew()

    def _on_media(
        self, transport: RTCDtlsTransport, heard: _Heard, data: bytes, address: Any
    ) -> None:
        srtp = transport._rx_srtp  # noqa: SLF001  as above
        if srtp is None:
            if len(self._early) < _MOST_EARLY:
                self._early.append((heard, data, address))
            return
        if self._early:
            early, self._early = self._early, []
            for one in early:
                self._on_media(transport, *one)
        source = data[8:12]
        try:
            if source not in self._sources and len(self._sources) >= _MOST_SOURCES:
                raise ValueError("of too many sources")  # noqa: TRY301  as if it were not readable
            plain = srtp.unprotect(data)
            self._sources.add(source)
            packet = parse(plain)
        except (pylibsrtp.Error, ValueError):
            self.refused += 1
            return
        self.packets += 1
        heard(address)
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
        self._sound_stream.packets += 1
        if self._sound is None:
            return
        for each in self._sound_stream.reordering.put(packet, self._clock()):
            if each.payload:
                self._sound.put_packet(each, codec)

    def _on_picture(
        self, transport: RTCDtlsTransport, packet: RtpPacket, codec: RTCRtpCodecParameters
    ) -> None:
        stream, pictures = self._picture_stream, self._pictures
        stream.packets += 1
        if pictures is None:
            return
        now = self._clock()
        stream.ssrc, stream.transport = packet.ssrc, transport
        for each in stream.reordering.put(packet, now):
            picture = self._assembly.put(each, codec)
            if picture is not None and not pictures.put_encoded(picture):
                self._assembly.begin_anew()
        self._ask_again(now)

    def _ask_again(self, now: float) -> None:
        stream = self._picture_stream
        if numbers := self._repair.numbers(stream.reordering.missing, now):
            self._send(stream.transport, self._reports.nack(stream.ssrc, numbers))
        if self._repair.wants_key(now, needs_key=self._assembly.needs_key):
            self._send(stream.transport, self._reports.picture_loss(stream.ssrc))

    def _send(self, transport: RTCDtlsTransport | None, message: bytes) -> None:
        if transport is not None:
            self._due.append((transport, message))
            self._is_due.set()


def relieve(receiver: RTCRtpReceiver) -> None:
    """Take from a receiver of aiortc's, which gets no media, what it would measure its rate with.

    That is a thousand objects: nine tenths of what a session leaves to Python's collector, which
    stops the event loop for as long as it finds something.
    """
    name = "_RTCRtpReceiver__remote_bitrate_estimator"
    assert name in vars(receiver)  # aiortc has no public place for it; it may be None
    vars(receiver)[name] = None


def _sort(
    take: Callable[[bytes, Any], None],
    pass_on: Callable[[bytes, Any], None],
    data: bytes,
    address: Any,
) -> None:
    """Take RTP; pass on RTCP, STUN and DTLS (RFC 7983, section 7, and RFC 5761, section 4)."""
    if len(data) > 1 and 127 < data[0] < 192 and not 192 <= data[1] < 224:
        take(data, address)
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
