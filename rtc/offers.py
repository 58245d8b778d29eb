"""Read an offer from a stranger: everything that can be wrong with it, in a sentence."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from aiortc import RTCSessionDescription
from aiortc.sdp import MediaDescription, SessionDescription

# aiortc multiplies lines of one kind by those of another, once more in its answer: 64 KB took it
# 15 s to read, and minutes and 8 GB to answer.
_MOST_LINES, _MOST_CODECS = 1000, 128  # a browser's offer has some 300 and 60
_MOST_FEEDBACK = 256  # kinds of it, of all codecs of one section; a browser's offer has some 120
_TOKEN = re.compile(r"[\w!#$%&'*+.^`{|}~-]*", re.ASCII)  # RFC 8866, section 9; none is allowed
MOST_CANDIDATES = 64  # of one section; the server tries each, seven times
_PACKET_MS = 60  # of sound; more would be heard as delay


class OfferError(ValueError):
    """The body is no offer that can be answered; the message tells the sender why."""


class Offer(NamedTuple):
    """What a stranger sends: a description, and the key of the session, if there is one."""

    description: RTCSessionDescription
    key: str | None


def read_offer(body: bytes) -> Offer:
    """Read ``{"sdp": ..., "type": "offer"}``, and the ``key`` of whoever has one.

    Raises:
        OfferError: it is something else, or holds neither sound nor pictures to receive.
    """
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise OfferError('The body is not JSON; send {"sdp": "...", "type": "offer"}.') from None
    if not isinstance(fields, dict) or not isinstance(fields.get("sdp"), str):
        raise OfferError('There is no SDP in the body; send {"sdp": "...", "type": "offer"}.')
    if fields.get("type") != "offer":
        raise OfferError('The type must be "offer".')
    if not isinstance(fields.get("key"), str | None):
        raise OfferError("The key must be a string.")
    return _offer_of(fields["sdp"], fields.get("key"))


def read_sdp(body: bytes, key: str | None) -> Offer:
    """Read an offer that is SDP and nothing else (RFC 9725, section 4.2).

    Args:
        body: the SDP.
        key: of the session, if there is one.

    Raises:
        OfferError: as ``read_offer``.
    """
    try:
        sdp = body.decode()
    except UnicodeDecodeError:
        raise OfferError("The body is not SDP: it is no UTF-8.") from None
    if not sdp.startswith("v=0"):
        raise OfferError("The body is not SDP, which begins with v=0.")
    return _offer_of(sdp, key)


def _offer_of(sdp: str, key: str | None) -> Offer:
    _check_media(sdp)
    return Offer(RTCSessionDescription(sdp=sdp, type="offer"), key)


def _check_media(sdp: str) -> None:
    lines = sdp.splitlines()
    codecs = sum(line.startswith("a=rtpmap:") for line in lines)
    if len(lines) > _MOST_LINES or codecs > _MOST_CODECS:
        raise OfferError(
            f"The SDP has {len(lines)} lines and {codecs} codecs; "
            f"it may have {_MOST_LINES} and {_MOST_CODECS}."
        )
    try:
        described = SessionDescription.parse(sdp)
    except Exception:  # noqa: BLE001  the parser raises many kinds; all mean the same to the sender
        raise OfferError("The SDP does not parse; send the browser's offer unchanged.") from None
    media = described.media
    kinds = [section.kind for section in media]
    sent = [s for s in media if s.port and s.direction in {None, "sendrecv", "sendonly"}]
    if not {"audio", "video"} & {section.kind for section in sent}:
        raise OfferError("The offer sends neither audio nor video; add a track before offering.")
    for kind in ("audio", "video", "application"):
        if kinds.count(kind) > 1:
            raise OfferError(f"The offer has {kinds.count(kind)} {kind} sections; one is served.")
    if strange := set(kinds) - {"audio", "video", "application"}:
        raise OfferError(f"The offer has a section of kind {strange.pop()!r}, which is not served.")
    _check_bundle(described)
    for section in media:
        _check_codecs(section)
        _check_way(section)


def _check_bundle(described: SessionDescription) -> None:
    """See that sections can be told apart, and that the first of a bundle is there (RFC 9143)."""
    names = [section.rtp.muxId for section in described.media]
    bundles = [group for group in described.group if group.semantic == "BUNDLE" and group.items]
    # Others would not come back as they were sent; a=mid without a colon is None.
    are_names = all(name is not None and _TOKEN.fullmatch(name) for name in names)
    are_distinct = len(set(names)) == len(names)
    if not (are_names and are_distinct) or any(each.items[0] not in names for each in bundles):
        raise OfferError(
            "The a=mid lines of the offer are not as its a=group:BUNDLE says; "
            "send the browser's offer unchanged."
        )


def _check_codecs(section: MediaDescription) -> None:
    codecs = section.rtp.codecs
    if len({codec.payloadType for codec in codecs}) < len(codecs):
        raise OfferError(f"The {section.kind} section of the offer has a payload type twice.")
    if sum(len(codec.rtcpFeedback) for codec in codecs) > _MOST_FEEDBACK:
        raise OfferError(f"The {section.kind} section has more than {_MOST_FEEDBACK} a=rtcp-fb.")


def _check_way(section: MediaDescription) -> None:
    """See what aiortc needs and does not ask for, or too late, where nobody hears that it fails."""
    if section.kind != "application" and section.direction is None:
        raise OfferError(f"The {section.kind} section of the offer lacks a=sendrecv or the like.")
    if section.dtls is None or not section.dtls.fingerprints:
        raise OfferError("The offer lacks a=fingerprint or a=setup; media would not be encrypted.")
    if len(section.ice_candidates) > MOST_CANDIDATES:
        raise OfferError(
            f"The offer has more than {MOST_CANDIDATES} candidates for {section.kind}; "
            "send those of one network."
        )


def with_long_packets(answer: RTCSessionDescription) -> RTCSessionDescription:
    """Ask, in our answer, for 60 ms of sound in a packet (``a=ptime``, RFC 8866, section 6.4).

    Each packet costs the same, whatever it holds. What is asked for binds nobody.
    """
    sections = re.split(r"(?m)^(?=m=)", answer.sdp)
    sound = re.compile(r"(m=audio .*?)(?=^a=)", re.DOTALL | re.MULTILINE)
    sections = [sound.sub(rf"\1a=ptime:{_PACKET_MS}\r\n", each, count=1) for each in sections]
    return RTCSessionDescription(sdp="".join(sections), type=answer.type)
