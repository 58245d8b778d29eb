"""Carries datagrams between a client and a server, as badly as it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from eval.network.impairment import Impairment, Line

Address = tuple[str, int]


class Relay:
    """Of one client, who knows it as the server; the server knows it as the client.

    Use as ``async with``. Each direction has its own chance.

    Attributes:
        near: where the client sends to.
        far: where the server sends to; another after ``move``.
        server: where the server is; nothing goes there before this is set.
        carried: datagrams that were sent on.
        lost: datagrams that were not.
    """

    def __init__(self, client: Address, seed: int) -> None:
        """Listen beside ``client``, on the same address of this machine."""
        self.server: Address | None = None
        self.carried = 0
        self.lost = 0
        self._client = client
        self._up = Line(2 * seed)
        self._down = Line(2 * seed + 1)

    async def __aenter__(self) -> Self:
        self._near = await self._bound(self._from_client)
        self._far = await self._bound(self._from_server)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._near.close()
        self._far.close()

    @property
    def near(self) -> Address:
        return _address_of(self._near)

    @property
    def far(self) -> Address:
        return _address_of(self._far)

    def impair(self, impairment: Impairment) -> None:
        """Treat packets of both directions like this from now on."""
        self._up.impairment = self._down.impairment = impairment

    async def move(self) -> None:
        """Change the address that the server sees, as a NAT does that has forgotten the old one.

        What comes to the old one is lost, and so is what was on its way through it.
        """
        old, self._far = self._far, await self._bound(self._from_server)
        old.close()

    async def _bound(self, take: Callable[[bytes, Address], None]) -> asyncio.DatagramTransport:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Socket(take), local_addr=(self._client[0], 0)
        )
        return transport

    def _from_client(self, data: bytes, origin: Address) -> None:
        if origin == self._client and self.server is not None:
            self._carry(data, self._up, self._far, self.server)

    def _from_server(self, data: bytes, origin: Address) -> None:
        if origin == self.server:
            self._carry(data, self._down, self._near, self._client)

    def _carry(
        self, data: bytes, line: Line, out: asyncio.DatagramTransport, target: Address
    ) -> None:
        arrivals_s = line.arrivals_s()
        self.lost += not arrivals_s
        for delay_s in arrivals_s:
            if delay_s:
                loop = asyncio.get_running_loop()
                loop.call_later(delay_s, self._deliver, data, out, target)
            else:  # a timer might let the next one overtake it
                self._deliver(data, out, target)

    def _deliver(self, data: bytes, out: asyncio.DatagramTransport, target: Address) -> None:
        if out.is_closing():
            self.lost += 1
            return
        self.carried += 1
        out.sendto(data, target)


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, take: Callable[[bytes, Address], None]) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._take(data, addr[:2])


def _address_of(transport: asyncio.DatagramTransport) -> Address:
    host, port = transport.get_extra_info("sockname")[:2]
    return host, port
