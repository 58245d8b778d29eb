"""What an answer asks of whoever offered."""

from __future__ import annotations

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import SessionDescription

from rtc.offers import with_long_packets

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
