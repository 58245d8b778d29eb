"""What a receiver tells a sender: how packets arrive, which are missing, when to begin anew.

RFC 3550, section 6.4.2 (receiver reports), RFC 4585, sections 6.2.1 (NACK) and 6.3.1 (PLI).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import aiortc.rtp
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import (
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
)

from rtc.rtp import RtpPacket

_MOST_STREAMS = 31  # in one report; a peer of ours has three or four
_MOST_NACKS = 64  # sequence numbers in one message; who misses more is better served by a key frame
_MOST_JITTER = (1 << 32) - 1  # what its field holds; timestamps may leap


class Reports:
    """Statistics of the streams of one connection, and the reports made of them."""

    def __init__(self, ssrc: int) -> None:
        """Report under ``ssrc``, the receiver's own."""
        self._ssrc = ssrc
        self._streams: dict[int, StreamStatistics] = {}

    def note(self, packet: RtpPacket, clock_rate_hz: int) -> None:
        """Count a packet in; retransmissions have a stream of their own."""
        stream = self._streams.get(packet.ssrc)
        if stream is None:
            if len(self._streams) == _MOST_STREAMS:
                del self._streams[next(iter(self._streams))]
            stream = self._streams[packet.ssrc] = StreamStatistics(clock_rate_hz)
        stream.add(cast(aiortc.rtp.RtpPacket, packet))  # it reads two fields, which ours has too

    def report(self) -> bytes:
        """Return a receiver report of all streams; empty before anything has come."""
        if not self._streams:
            return b""
        return bytes(
            RtcpRrPacket(
                ssrc=self._ssrc,
                reports=[
                    RtcpReceiverInfo(
                        ssrc=ssrc,
                        fraction_lost=stream.fraction_lost,
                        packets_lost=stream.packets_lost,
                        highest_sequence=stream.max_seq or 0,
                        jitter=min(stream.jitter, _MOST_JITTER),
                        lsr=0,
                        dlsr=0,
                    )
                    for ssrc, stream in self._streams.items()
                ],
            )
        )

    def nack(self, media_ssrc: int, missing: Sequence[int]) -> bytes:
        """Return a request to send packets again."""
        # Sorted, since aiortc cannot write a list that goes from 65535 on to 0.
        lost = sorted(missing[-_MOST_NACKS:])
        return bytes(RtcpRtpfbPacket(RTCP_RTPFB_NACK, self._ssrc, media_ssrc, lost))

    def picture_loss(self, media_ssrc: int) -> bytes:
        """Return a request for a key frame."""
        return bytes(RtcpPsfbPacket(RTCP_PSFB_PLI, self._ssrc, media_ssrc))
