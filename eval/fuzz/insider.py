"""An attacker that was let in: a real peer that misuses what its keys protect."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from random import Random

import pylibsrtp
from aiortc import RTCSctpTransport
from aiortc.exceptions import InvalidStateError
from OpenSSL import SSL

from eval.bench.media import EncodedMedia
from eval.bench.peers import EncodedTrack
from eval.fuzz.datagrams import DATAGRAMS, Target
from eval.fuzz.media import (
    OPUS_TYPE,
    RTP,
    VP8_TYPE,
    Stream,
    honest_packets,
    malformed_rtcp,
)
from eval.fuzz.messages import odd_message
from eval.fuzz.sctp import CHUNKS, malformed_packet
from rtc.client import EmotionClient, RefusedError

_PATIENCE_S = 5.0
_MOST_BYTES = 1500  # of a datagram
_PAUSE_EVERY = 10  # pieces
_PAUSE_S = 0.01  # a peer that sends more than its share of packets is sent away

# What an attacker meets in the middle of an attack: its session is over, or was never there.
ENDED = (
    *(ConnectionError, TimeoutError, RefusedError, InvalidStateError, SSL.Error, pylibsrtp.Error),
    *(AttributeError, AssertionError, ValueError),  # aiortc's own, when its session has ended
)


class Insider:
    """A real peer, with sound and pictures, that misuses what its keys protect."""

    def __init__(self, url: str, media: EncodedMedia) -> None:
        self._client = EmotionClient(url)
        self._media = media
        self._streams = (
            Stream(OPUS_TYPE, 1, media.sound.frames, round(48_000 * media.sound.interval_s)),
            Stream(VP8_TYPE, 2, media.pictures.frames, round(90_000 * media.pictures.interval_s)),
        )

    async def connect(self) -> None:
        """Be let in; raises what ``ENDED`` has."""
        tracks = (
            EncodedTrack("audio", self._media.sound),
            EncodedTrack("video", self._media.pictures),
        )
        await self._client.publish(*tracks)
        async with asyncio.timeout(_PATIENCE_S):
            await anext(self._client.results())
        for track in tracks:  # from now on all that it sends is made here
            track.stop()

    async def aclose(self) -> None:
        """Hang up."""
        await self._client.aclose()

    async def attack(self, rng: Random, count: int, sent: Counter[str]) -> None:
        """Send ``count`` pieces of all kinds; raises what ``ENDED`` has."""
        ways = (
            *(self._send_rtp, self._send_rtp, self._send_rtcp, self._send_sctp, self._send_sctp),
            *(self._send_plain, self._send_records),
        )
        for number in range(count):
            if (kind := await rng.choice(ways)(rng)) is not None:
                sent[kind] += 1
            if rng.random() < 0.05:
                self._client.channel.send(odd_message(rng))
                sent["messages"] += 1
            if number % _PAUSE_EVERY == 0:
                await asyncio.sleep(_PAUSE_S)

    async def _send_rtp(self, rng: Random) -> str | None:
        stream = rng.choice(self._streams)
        if rng.random() < 0.3:
            kind, packets = "RTP, honest", honest_packets(stream)
        else:
            kind = rng.choice(tuple(RTP))
            packets = [RTP[kind](rng, stream)]
        for packet in packets:
            if not await self._protected(packet):
                # libsrtp reads headers, and protects neither impossible ones nor leaps back.
                stream.ssrc = rng.getrandbits(32)
                return None
        return kind

    async def _send_rtcp(self, rng: Random) -> str | None:
        packet = malformed_rtcp(rng, rng.choice(self._streams))[:1400]
        return "RTCP, malformed" if await self._protected(packet, control=True) else None

    async def _send_sctp(self, rng: Random) -> str:
        kind = rng.choice(tuple(CHUNKS))
        association = self._association
        # aiortc's own insides, by intent.
        tag, number = association._remote_verification_tag, association._local_tsn  # noqa: SLF001
        received = association._last_received_tsn or 0  # noqa: SLF001
        packet = malformed_packet(rng, kind, tag, number, received)
        await association.transport._send_data(packet)  # noqa: SLF001
        return kind

    async def _send_records(self, rng: Random) -> str:
        """Send a datagram of several records, which DTLS allows (RFC 6347, section 4.1.1)."""
        transport = self._association.transport
        connection = transport._ssl  # noqa: SLF001
        assert connection is not None
        for _ in range(rng.randint(2, 30)):
            connection.send(rng.randbytes(rng.randint(1, 12)))
        datagram = b""
        with contextlib.suppress(SSL.WantReadError):
            while True:
                datagram += connection.bio_read(_MOST_BYTES)
        await transport.transport._send(datagram[:_MOST_BYTES])  # noqa: SLF001
        return "DTLS, many records"

    async def _send_plain(self, rng: Random) -> str:
        """Send from an address that the server knows, unprotected."""
        kind = rng.choice(tuple(DATAGRAMS))
        datagram = DATAGRAMS[kind](rng, Target("", 0, "a:b", "a" * 22))
        await self._association.transport.transport._send(datagram)  # noqa: SLF001
        return "from a peer's address"

    async def _protected(self, packet: bytes, *, control: bool = False) -> bool:
        """Send a packet encrypted; return whether that was possible."""
        transport = self._association.transport
        session = transport._tx_srtp  # noqa: SLF001
        try:
            data = session.protect_rtcp(packet) if control else session.protect(packet)
        except pylibsrtp.Error:
            return False
        await transport.transport._send(data)  # noqa: SLF001
        return True

    @property
    def _association(self) -> RTCSctpTransport:
        association = self._client.connection.sctp
        assert association is not None  # it has a data channel
        return association
