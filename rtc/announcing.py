"""Tells peers the address at which the outside knows this machine, behind a NAT that maps it whole.

Clouds give machines a private address and map a public one to it, port by port. A STUN server would
find that out for each session anew; who runs the machine knows it once.
"""

from __future__ import annotations

import re
import socket
from ipaddress import AddressValueError, IPv4Address

# Foundation, component, protocol, priority; address, port, "typ", type (RFC 8839, section 5.1).
_CANDIDATE = re.compile(r"(a=candidate:(?:\S+ ){4})(\S+)( \d+ typ )(\w+)(.*)", re.DOTALL)
_CONNECTION = re.compile(r"c=IN IP[46] \S+")


def check_announced(address: str) -> None:
    """See whether peers could send there.

    Raises:
        ValueError: it is no IPv4 address of one machine.
    """
    try:
        given = IPv4Address(address)
    except AddressValueError:
        raise ValueError(
            f"--announce-address takes an IPv4 address, such as 203.0.113.7, not {address!r}"
        ) from None
    if given.is_unspecified or given.is_multicast or given.is_reserved:
        raise ValueError(
            f"--announce-address: {address} is the address of no machine; name the one at which "
            "peers reach this one"
        )


def announced(sdp: str, address: str) -> str:
    """Return a description of ours in which its host candidates have this address.

    Where several networks are at this machine, the one that leads to ``address`` is taken, and
    the candidates of the others are left out. Candidates of TURN and STUN servers stay.
    """
    lines = sdp.splitlines(keepends=True)
    hosts = [found[2] for line in lines if (found := _CANDIDATE.match(line)) and found[4] == "host"]
    ours = _leading_to(address)
    if ours not in hosts:
        ours = hosts[0] if hosts else ours
    return "".join(_with_address(line, ours, address) for line in lines)


def _with_address(line: str, ours: str, address: str) -> str:
    found = _CANDIDATE.match(line)
    if found is not None and found[4] == "host":
        return f"{found[1]}{address}{found[3]}host{found[5]}" if found[2] == ours else ""
    return _CONNECTION.sub(f"c=IN IP4 {address}", line)


def _leading_to(address: str) -> str:
    """Return our own address from which packets to ``address`` leave; none are sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 9))
        except OSError:  # no network leads there, as seen from inside
            return ""
        return str(probe.getsockname()[0])
