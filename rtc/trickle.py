"""Candidates that come after their offer, as fragments of SDP (RFC 8840, section 9)."""

from __future__ import annotations

import re
from typing import NamedTuple

from aiortc import RTCIceCandidate, RTCPeerConnection
from aiortc.sdp import candidate_from_sdp

from rtc.offers import MOST_CANDIDATES

_MOST_LINES = 200


class FragmentError(ValueError):
    """The body is no fragment that can be taken; the message tells the sender why."""


class RestartError(FragmentError):
    """The fragment has credentials of its own: it would restart ICE."""


class Fragment(NamedTuple):
    """What one request adds.

    Attributes:
        username: the fragment's ``ice-ufrag``; None where it says none.
        candidates: each with the section that it is of; None, as the last, says that it was all.
    """

    username: str | None
    candidates: list[RTCIceCandidate | None]


class Trickle:
    """What one peer says, bit by bit, of where it can be reached."""

    def __init__(self, peer: RTCPeerConnection) -> None:
        self._peer = peer

    async def add(self, fragment: Fragment) -> None:
        """Take the candidates of a fragment.

        Raises:
            FragmentError: it has too many, one that cannot be, or those of another ICE session.
        """
        if fragment.username not in {None, self._username}:
            raise RestartError("The fragment's a=ice-ufrag is not that of the offer.")
        # aiortc adds what it takes to the description.
        if self._offered.count("\na=candidate:") + len(fragment.candidates) > MOST_CANDIDATES:
            raise FragmentError(f"A session takes {MOST_CANDIDATES} candidates; these are more.")
        try:
            for candidate in fragment.candidates:
                await self._peer.addIceCandidate(candidate)
        except Exception as error:
            # aioice raises many kinds, and all are the peer's fault.
            raise FragmentError("A candidate of the fragment cannot be used.") from error

    @property
    def _offered(self) -> str:
        return self._peer.remoteDescription.sdp if self._peer.remoteDescription else ""

    @property
    def _username(self) -> str | None:
        match = re.search(r"(?m)^a=ice-ufrag:(\S+)", self._offered)
        return match[1] if match else None


def read_fragment(body: bytes) -> Fragment:
    """Read a body of type ``application/trickle-ice-sdpfrag``.

    Raises:
        FragmentError: it is something else.
    """
    username: str | None = None
    section: str | None = None
    candidates: list[RTCIceCandidate | None] = []
    has_ended = False
    for line in _lines(body):
        match = re.fullmatch(r"([am])=([^:\s]+):?(.*)", line)
        if not match:
            raise FragmentError("A line of the fragment begins with neither a= nor m=.")
        kind, name, value = match.groups()
        if (kind, name) == ("a", "ice-ufrag"):
            username = value
        elif (kind, name) == ("a", "mid"):
            section = value
        elif (kind, name) == ("a", "candidate"):
            candidates.append(_candidate(value, section))
        elif (kind, name) == ("a", "end-of-candidates"):
            has_ended = True
    if has_ended:
        candidates.append(None)
    return Fragment(username, candidates)


def _lines(body: bytes) -> list[str]:
    """Return the lines of a fragment, without empty ones."""
    try:
        lines = list(filter(None, body.decode().splitlines()))
    except UnicodeDecodeError:
        raise FragmentError("The body is no SDP fragment: it is no UTF-8.") from None
    if not lines:
        raise FragmentError("The fragment is empty; send a=candidate lines, or none at all.")
    if len(lines) > _MOST_LINES:
        raise FragmentError(f"The fragment has more than {_MOST_LINES} lines.")
    return lines


def _candidate(value: str, section: str | None) -> RTCIceCandidate:
    if section is None:
        raise FragmentError("A candidate stands before the a=mid of its section.")
    try:
        candidate = candidate_from_sdp(value)
    except Exception:  # noqa: BLE001  the parser raises many kinds; all mean the same to the sender
        raise FragmentError("A candidate of the fragment does not parse.") from None
    candidate.sdpMid = section
    return candidate
