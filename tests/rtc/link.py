"""Between a peer of the tests and its keys: what it sends can be altered, lost, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import aiortc.rtp
from aiortc import RTCDtlsTransport
from aiortc.rtp import RtcpPsfbPacket, RtcpRrPacket, RtcpRtpfbPacket

from tests.peers import Peer

Alter = Callable[[aiortc.rtp.RtpPacket], aiortc.rtp.RtpPacket | None]


class Link:
    """Stands where a peer encrypts: alters or loses its packets, and reads what it is told.

    Attributes:
        alter: what becomes of an RTP packet on its way; None where it is lost.
        sent: packets of each payload type that were not lost.
        told: RTCP messages that came back to the peer's senders.
    """

    def __init__(self, peer: Peer) -> None:
        self.alter: Alter = lambda packet: packet
        self.sent: Counter[int] = Counter()
        self.told: list[aiortc.rtp.AnyRtcpPacket] = []
        senders = peer.client.connection.getSenders()
        self.dtls: RTCDtlsTransport = senders[0].transport
        self._send = self.dtls._send_rtp
        self.dtls._send_rtp = self._on_send
        for sender in senders:
            self._listen(sender)

    def _listen(self, sender: object) -> None:
        handle = sender._handle_rtcp_packet

        async def listen(packet: aiortc.rtp.AnyRtcpPacket) -> None:
            self.told.append(packet)
            await handle(packet)

        sender._handle_rtcp_packet = listen

    async def _on_send(self, data: bytes) -> None:
        if not aiortc.rtp.is_rtcp(data):
            packet = self.alter(aiortc.rtp.RtpPacket.parse(data))
            if packet is None:
                return
            self.sent[packet.payload_type] += 1
            data = packet.serialize()
        await self._send(data)

    def nacks(self) -> list[RtcpRtpfbPacket]:
        return [each for each in self.told if isinstance(each, RtcpRtpfbPacket)]

    def requests_for_keys(self) -> list[RtcpPsfbPacket]:
        return [
            each
            for each in self.told
            if isinstance(each, RtcpPsfbPacket) and each.fmt == aiortc.rtp.RTCP_PSFB_PLI
        ]

    def losses_reported(self) -> int:
        reports = [each for each in self.told if isinstance(each, RtcpRrPacket)]
        return max((one.packets_lost for each in reports for one in each.reports), default=0)
