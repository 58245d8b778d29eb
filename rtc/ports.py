"""Which UDP ports media may use, so that a firewall need be opened for these alone."""

from __future__ import annotations

import argparse
import asyncio
import errno
import logging
import re
import secrets
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

_log = logging.getLogger(__name__)

_LEAST, _MOST = 1024, 65535  # below are those of the system's own services
_TAKEN = {errno.EADDRINUSE, errno.EACCES}  # Windows says the latter of ports it keeps for itself

_Address = tuple[str, int]
_Endpoint = tuple[asyncio.DatagramTransport, asyncio.DatagramProtocol]
_Create = Callable[..., Awaitable[_Endpoint]]


@dataclass(frozen=True)
class PortRange:
    """Ports from ``first`` to ``last``, both included, 1024 to 65535."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if not _LEAST <= self.first <= self.last <= _MOST:
            raise ValueError(f"ports go from {_LEAST} to {_MOST}, the lower one first")

    def __len__(self) -> int:
        return self.last - self.first + 1


def port_range(text: str) -> PortRange:
    """Read a flag's ``FIRST-LAST``."""
    found = re.fullmatch(r"(\d{1,5})-(\d{1,5})", text, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no range of ports; write FIRST-LAST, as in 50000-50100"
        )
    try:
        return PortRange(int(found[1]), int(found[2]))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no range of ports; {error}") from None


class FreePorts:
    """Binds UDP sockets within a range; who else uses it, on this machine, is passed by.

    Each search begins behind the port that was taken last. So a port that was left is the last to
    be taken again, and what its former peer still sends reaches nobody.
    """

    def __init__(self, ports: PortRange) -> None:
        self._ports = ports
        self._next = secrets.randbelow(len(ports))  # several workers share a range

    def bound(self, host: str) -> socket.socket:
        """Return a UDP socket that is bound to an address of this machine.

        Raises:
            OSError: no port of the range is free there, or ``host`` is no address of ours.
        """
        held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._bind(held, host)
        except BaseException:
            held.close()
            raise
        return held

    def _bind(self, held: socket.socket, host: str) -> None:
        for _ in range(len(self._ports)):
            port = self._ports.first + self._next
            self._next = (self._next + 1) % len(self._ports)
            if _binds(held, (host, port)):
                return
        first, last = self._ports.first, self._ports.last
        _log.warning("--udp-ports: none from %d to %d is free on %s", first, last, host)
        raise OSError(errno.EADDRINUSE, f"no UDP port from {first} to {last} is free on {host}")


def event_loop_within(
    ports: PortRange, kind: type[asyncio.AbstractEventLoop]
) -> asyncio.AbstractEventLoop:
    """Return an event loop of that kind, whose UDP sockets have ports of the range.

    aioice has no setting for it, and leaves the choice of the port to the loop. Of what it opens,
    these are the sockets of host candidates and that of the client of a TURN server; the one of
    multicast DNS, which is bound before the loop gets it, keeps port 5353.
    """
    free = FreePorts(ports)

    class EventLoop(kind):  # type: ignore[misc, valid-type]  # known when it runs
        async def create_datagram_endpoint(
            self,
            protocol_factory: Callable[[], asyncio.DatagramProtocol],
            local_addr: _Address | None = None,
            remote_addr: _Address | None = None,
            **options: Any,
        ) -> _Endpoint:
            create: _Create = super().create_datagram_endpoint
            if options.get("sock") or (local_addr and local_addr[1]):
                return await create(protocol_factory, local_addr, remote_addr, **options)
            far = None
            if remote_addr:
                found = await self.getaddrinfo(*remote_addr, type=socket.SOCK_DGRAM)
                far = found[0][4]
            host = local_addr[0] if local_addr else _any_address_for(far)
            held = free.bound(host)
            try:
                if far:
                    held.connect(far)
                return await create(protocol_factory, sock=held, **options)
            except BaseException:
                held.close()
                raise

    return EventLoop()


def _binds(held: socket.socket, address: _Address) -> bool:
    try:
        held.bind(address)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    return True


def _any_address_for(far: tuple[Any, ...] | None) -> str:
    return "::" if far and ":" in far[0] else "0.0.0.0"  # noqa: S104  a datagram's, for one peer
