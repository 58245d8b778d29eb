"""What is made to be sent: the same for the same seed, many kinds, nobody else's address."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from random import Random

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from eval.fuzz.datagrams import DATAGRAMS, LARGEST, Target, client_hello
from eval.fuzz.media import RTP, VP8_TYPE, Stream, honest_packets, malformed_rtcp
from eval.fuzz.messages import odd_message
from eval.fuzz.mutation import mutated
from eval.fuzz.offers import malformed_offer, malformed_sdp
from eval.fuzz.sctp import CHUNKS, malformed_packet
from rtc.rtp import parse

_TARGET = Target("127.0.0.1", 9, "ours:theirs", "a" * 22)
_OFFER = """v=0
o=- 1 1 IN IP4 198.51.100.7
m=audio 9 UDP/TLS/RTP/SAVPF 96 8.8.8.8
c=IN IP4 198.51.100.7
a=rtpmap:96 opus/48000/2
a=candidate:1 1 udp 2130706431 198.51.100.7 40000 typ host
a=candidate:2 1 udp 2130706431 2001:db8::1 40000 typ host
a=candidate:3 1 udp 2130706431 b8d1.local 40000 typ host raddr 203.0.113.1 rport 1
a=ice-ufrag:abcd
"""


def _stream() -> Stream:
    return Stream(VP8_TYPE, 7, (bytes(100), bytes(3000)), 3000)


def _all_kinds(rng: Random) -> list[object]:
    stream = _stream()
    return [
        mutated(rng, bytes(range(100))),
        *(make(rng, _TARGET) for make in DATAGRAMS.values()),
        *(make(rng, stream) for make in RTP.values()),
        malformed_rtcp(rng, stream),
        *(malformed_packet(rng, kind, 5, 1000, 2000) for kind in CHUNKS),
        malformed_offer(rng, _OFFER, frozenset()),
        odd_message(rng),
    ]


def test_a_seed_says_it_all() -> None:
    """The same seed makes the same, another seed something else."""
    for seed in range(20):
        again = _all_kinds(Random(seed))
        assert _all_kinds(Random(seed)) == again
        assert _all_kinds(Random(seed + 100)) != again


@pytest.mark.parametrize("make", DATAGRAMS.values(), ids=DATAGRAMS)
def test_datagrams_can_be_sent(make: Callable[[Random, Target], bytes]) -> None:
    """Each fits into UDP, and each kind comes in many forms, but for the empty one."""
    made = {make(Random(seed), _TARGET) for seed in range(200)}
    assert all(len(each) <= LARGEST for each in made)
    assert len(made) > 100 or made == {b""}


@pytest.mark.parametrize("make", RTP.values(), ids=RTP)
def test_media_reach_what_reads_them(make: Callable[[Random, Stream], bytes]) -> None:
    """Most packets have a header that can be read: what is wrong is behind it, or in its values."""
    stream, readable = _stream(), 0
    for seed in range(100):
        made = make(Random(seed), stream)
        assert len(made) <= 1400
        try:
            parse(made)
        except ValueError:
            continue
        readable += 1
    assert readable >= 5


def test_honest_frames_come_in_order() -> None:
    """Between malformed packets whole frames come, each with its marker, one after another."""
    stream, numbers = _stream(), []
    for length in (100, 3000, 100):
        packets = [parse(each) for each in honest_packets(stream)]
        assert sum(len(each.payload) - 1 for each in packets) == length
        assert [each.marker for each in packets] == [False] * (len(packets) - 1) + [True]
        assert len({each.timestamp for each in packets}) == 1
        numbers += [each.sequence_number for each in packets]
    assert numbers == list(range(1, 6))


def test_hellos_begin_a_handshake() -> None:
    """A hello that is not damaged has the lengths of what it holds."""
    hello = client_hello(Random(1))
    assert int.from_bytes(hello[11:13], "big") == len(hello) - 13
    assert int.from_bytes(hello[14:17], "big") == len(hello) - 25


def _addresses_in(text: str) -> set[str]:
    found = set()
    for word in text.split():
        try:
            found.add(str(ip_address(word)))
        except ValueError:
            continue
    return found


def test_offers_name_no_other_machine() -> None:
    """Whatever is damaged, the server is sent to look for nobody but this machine."""
    for seed in range(200):
        damaged = malformed_sdp(Random(seed), _OFFER, frozenset({"203.0.113.1"}))
        strange = _addresses_in(damaged) - {"203.0.113.1"}
        assert all(ip_address(each).is_loopback for each in strange)
        assert not any(word.endswith(".local") for word in damaged.split())


async def test_offers_that_are_no_sdp_name_no_machine_at_all() -> None:
    """Bodies whose bytes are damaged have no candidates: a digit could make one somebody else's."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("audio")
    await connection.setLocalDescription(await connection.createOffer())
    offer = connection.localDescription.sdp
    await connection.close()
    assert "a=candidate" in offer
    for seed in range(200):
        rng = Random(seed)
        body = malformed_offer(rng, offer, frozenset())
        if b"candidate:" in body.data:
            assert b"127.0.0.1" in body.data
