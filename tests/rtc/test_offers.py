"""What is wrong with an offer, in a sentence, and what an answer asks of whoever offered."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import SessionDescription

from rtc.offers import OfferError, read_offer, with_long_packets

_KINDS = (("audio",), ("video",), ("audio", "video"), ("video", "audio"))


@pytest.mark.parametrize("kinds", _KINDS, ids="+".join)
async def test_sound_is_wished_for_in_long_packets(kinds: tuple[str, ...]) -> None:
    """The section of sound, wherever it stands, asks for 60 ms; nothing else is changed."""
    peer = RTCPeerConnection()
    for kind in kinds:
        peer.addTransceiver(kind, direction="recvonly")
    described = await peer.createOffer()
    await peer.close()
    asking = with_long_packets(RTCSessionDescription(described.sdp, "answer"))
    assert asking.type == "answer"
    lines, before = asking.sdp.splitlines(), described.sdp.splitlines()
    assert [line for line in lines if line != "a=ptime:60"] == before
    assert lines.count("a=ptime:60") == kinds.count("audio")
    sections = [str(media) for media in SessionDescription.parse(asking.sdp).media]
    assert len(sections) == len(kinds)
    own = [part for part in asking.sdp.split("m=") if "a=ptime:60" in part]
    assert all(part.startswith("audio ") for part in own)


async def _offered() -> str:
    """What a peer with sound, pictures and a channel offers."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind in ("audio", "video"):
        peer.addTransceiver(kind)
    peer.createDataChannel("emotions")
    await peer.setLocalDescription(await peer.createOffer())
    await peer.close()
    return str(peer.localDescription.sdp)


def _without(start: str) -> Callable[[str], str]:
    return lambda sdp: re.sub(rf"(?m)^{start}.*\r\n", "", sdp)


def _with_many_candidates(sdp: str) -> str:
    line = "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n"
    return sdp.replace("a=ice-ufrag", line * 65 + "a=ice-ufrag", 1)


def test_an_offer_that_takes_seconds_to_read_is_not_read() -> None:
    """Lines that aiortc's parser multiplies by each other are counted before."""
    head = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96\r\n"
    for codecs, others in ((1900, 2100), (129, 0), (1, 1000)):
        sdp = head + "a=rtpmap:96 a/1\r\n" * codecs + "a=rtcp-fb:* n\r\n" * others
        began_at = time.process_time()
        with pytest.raises(OfferError, match=f"and {codecs} codecs"):
            read_offer(json.dumps({"sdp": sdp, "type": "offer"}).encode())
        assert time.process_time() - began_at < 0.2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_without("a=fingerprint"), "lacks a=fingerprint"),
        (_without("a=setup"), "lacks a=fingerprint or a=setup"),
        (
            lambda sdp: re.sub(r"(a=rtpmap:98 .*\r\n)", r"\1\1", sdp),
            "video section of the offer has",
        ),
        (lambda sdp: re.sub(r"(a=rtcp-fb:97 .*\r\n)", r"\1" * 200, sdp), "more than 256 a=rtcp-fb"),
        (_without("a=sendrecv"), "audio section of the offer lacks a=sendrecv"),
        (_without("a=mid"), "a=mid lines"),
        (lambda sdp: sdp.replace("BUNDLE 0", "BUNDLE 7"), "a=mid lines"),
        (lambda sdp: sdp.replace("a=mid:1", "a=mid:1 "), "a=mid lines"),
        (lambda sdp: sdp.replace("a=mid:1", "a=mid"), "a=mid lines"),
        (lambda sdp: sdp.replace("a=mid:1", "a=mid:\N{DIGIT ONE}\N{BELL}"), "a=mid lines"),
        (lambda sdp: sdp.replace("a=mid:1", "a=mid:0"), "a=mid lines"),
        (lambda sdp: sdp.replace("m=application", "m=text"), "kind 'text'"),
        (_with_many_candidates, "more than 64 candidates for audio"),
    ],
)
async def test_what_would_fail_later_is_refused_now(
    change: Callable[[str], str], sentence: str
) -> None:
    """What aiortc takes, and trips over after the answer, is told to the sender."""
    sdp = await _offered()
    assert read_offer(json.dumps({"sdp": sdp, "type": "offer"}).encode()).description.sdp == sdp
    changed = change(sdp)
    assert changed != sdp
    with pytest.raises(OfferError, match=sentence):
        read_offer(json.dumps({"sdp": changed, "type": "offer"}).encode())
