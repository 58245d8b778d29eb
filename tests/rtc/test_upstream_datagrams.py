"""Faults of aiortc 1.16 and aioice 0.13 in what they make of datagrams that anybody can send.

As in test_upstream.py: each as small as it gets, and beside it that a session of ours bears it.
"""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
from aioice import Connection, stun

from tests.conftest import LiveServer
from tests.media import Clip, SoundTrack
from tests.peers import Peer
from tests.rtc.two_peers import two_peers

_EMPTY = b""
_LONG_RTCP = b"\x80\xc8" + bytes(1499)
_BOTH_DATAGRAMS = pytest.mark.parametrize(
    "datagram", [_EMPTY, _LONG_RTCP], ids=["empty", "1501 bytes"]
)


def _send_from_elsewhere(datagram: bytes, sdp: str) -> None:
    """Send to each media address in a description, from an address of nobody's."""
    lines = [line.split() for line in sdp.splitlines() if line.startswith("a=candidate:")]
    addresses = {(words[4], int(words[5])) for words in lines if ":" not in words[4]}
    assert addresses
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for address in addresses:
            stranger.sendto(datagram, address)


@_BOTH_DATAGRAMS
async def test_a_strangers_datagram_ends_aiortcs_connection(
    datagram: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """aiortc: an empty datagram, or one of 1501 bytes, from anybody ends a live connection.

    ``RTCDtlsTransport._recv_next`` reads ``data[0]`` of a datagram that may be empty, and catches
    ``pylibsrtp.Error`` where pylibsrtp raises ValueError ("packet is too long") for what looks like
    RTCP and has more than 1500 bytes. Both leave ``__run``, which closes the transport. Nothing
    need be known but the port, and the sender's address is not looked at. Expected: such datagrams
    are dropped. Guarded in rtc/gate.py.
    """
    async with two_peers() as (_, theirs):
        _send_from_elsewhere(datagram, theirs.localDescription.sdp)
        async with asyncio.timeout(5):
            while theirs.connectionState != "closed":  # noqa: ASYNC110  aiortc tells nobody of it
                await asyncio.sleep(0.02)
    assert "IndexError" in caplog.text or "ValueError: packet is too long" in caplog.text


@_BOTH_DATAGRAMS
async def test_a_session_bears_a_strangers_datagrams(
    server: LiveServer, happy_clip: Clip, datagram: bytes
) -> None:
    """Results go on after datagrams of any size from somebody else."""
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        await peer.results(2)
        _send_from_elsewhere(datagram, peer.client.connection.remoteDescription.sdp)
        assert len(await peer.results(4)) == 4
        assert peer.state == "connected"


def test_aioice_raises_for_attributes_of_the_wrong_length() -> None:
    """aioice: a STUN attribute of the wrong length raises struct.error, not ValueError.

    ``StunProtocol.datagram_received`` catches ValueError. Anybody can have a traceback logged by
    the event loop with each datagram. Expected: ValueError, as for all that is malformed.
    Guarded in rtc/gate.py.
    """
    priority_of_two_bytes = struct.pack("!HHH2x", 0x0024, 2, 0)
    header = struct.pack("!HHI12s", 1, len(priority_of_two_bytes), stun.COOKIE, b"t" * 12)
    with pytest.raises(struct.error):
        stun.parse_message(header + priority_of_two_bytes)


async def test_aioice_keeps_whatever_comes_before_the_peer() -> None:
    """aioice: what strangers send before a connection is up is kept without a limit.

    ``Connection.data_received`` puts all that is not STUN, from any address, into an unbounded
    queue that nobody reads until checks have succeeded. Expected: data of addresses that passed
    no check is dropped (RFC 8445, section 12.2), or the queue is bounded. Guarded in rtc/gate.py.
    """
    connection = Connection(ice_controlling=False)
    await connection.gather_candidates()
    try:
        (protocol, *_) = connection._protocols
        for _ in range(5000):
            protocol.datagram_received(bytes(1000), ("192.0.2.1", 9))
        assert connection._queue.qsize() == 5000
    finally:
        await connection.close()


async def test_aiortc_reads_one_record_of_a_datagram() -> None:
    """aiortc: of a datagram with several DTLS records one is read, and the others are kept.

    ``RTCDtlsTransport._recv_next`` calls ``recv`` once for each datagram. RFC 6347, section 4.1.1,
    allows several records in one; what is behind the first waits in OpenSSL's buffer, which a
    peer can have grow by as much as it sends, for ever. Expected: ``recv`` until there is nothing.
    Guarded in rtc/gate.py.
    """
    async with two_peers() as (ours, theirs):
        came: list[bytes] = []

        async def note(data: bytes) -> None:
            came.append(data)

        vars(theirs.sctp)["_handle_data"] = note
        sender = ours.sctp.transport
        for number in range(10):
            sender._ssl.send(b"%d" % number)
        await sender.transport._send(sender._ssl.bio_read(1500))
        async with asyncio.timeout(5):
            while b"0" not in came:  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)  # in which nothing comes
        assert [each for each in came if len(each) == 1] == [b"0"]
        del vars(theirs.sctp)["_handle_data"]
