"""The ways by which media may come: what a connection is to gather, and whether there is any."""

from __future__ import annotations

import re
from collections.abc import Iterable

from aiortc import RTCConfiguration, RTCIceServer, RTCIceTransportPolicy

from rtc.config import IceServer
from rtc.reasons import Reason


class NoWayError(RuntimeError):
    """Media could not come in; the message is a sentence for whoever asks.

    Attributes:
        reason: one word, for counts.
    """

    reason: Reason = "no_way"


def rtc_configuration(
    ice_servers: Iterable[IceServer], *, relay_only: bool = False
) -> RTCConfiguration:
    """Return what a connection is to gather (W3C WebRTC, section 4.2.1).

    Args:
        ice_servers: which are asked. Told of none, aiortc would ask a public one; it is told.
        relay_only: by way of a TURN server, and no other.
    """
    servers = [RTCIceServer(list(s.urls), s.username, s.credential) for s in ice_servers]
    policy = RTCIceTransportPolicy.RELAY if relay_only else RTCIceTransportPolicy.ALL
    return RTCConfiguration(iceServers=servers, iceTransportPolicy=policy)


def check_candidates(sdp: str, *, relay_only: bool) -> None:
    """See whether a description of ours has an address to which media can come.

    aioice goes on without those that it cannot have, be it all of them.

    Raises:
        NoWayError: it has none.
    """
    if re.search(r"(?m)^a=candidate:", sdp):
        return
    if relay_only:
        raise NoWayError(
            "The server may be reached by way of its TURN server alone, which gives it no address."
        )
    raise NoWayError("The server has no free UDP port, or no network, for sound and pictures.")
