"""A door to a server through which media takes the way over a relay, unknown to both sides."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

from eval.network.impairment import Impairment
from eval.network.relay import Address, Relay

_HOST_CANDIDATE = re.compile(r"(?mi)^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host")


class Detour:
    """For one client, who offers at ``url`` instead of at the server's. Use as ``async with``.

    Attributes:
        url: of the door, without a slash at the end.
        relay: once an offer was answered.
    """

    def __init__(self, server_url: str, seed: int, impairment: Impairment | None = None) -> None:
        """Lead to the server at ``server_url``, with ``impairment`` from the first packet on."""
        self.url = ""
        self.relay: Relay | None = None
        self._server_url = server_url
        self._seed = seed
        self._impairment = impairment or Impairment()
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/offer", self._offer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self._open.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
        except BaseException:
            await self._open.aclose()
            raise
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._open.aclose()

    async def _offer(self, request: web.Request) -> web.Response:
        """Hand on an offer whose sender seems to be at the relay, and its answer likewise."""
        offer = await request.json()
        relay = Relay(candidate_of(offer["sdp"]), self._seed)
        relay = await self._open.enter_async_context(relay)
        relay.impair(self._impairment)
        offer["sdp"] = with_candidate(offer["sdp"], relay.far)
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{self._server_url}/offer", json=offer) as response,
        ):
            answer = await response.json()
            if response.status != 200:
                waits = {k: v for k, v in response.headers.items() if k == "Retry-After"}
                return web.json_response(answer, status=response.status, headers=waits)
        relay.server = candidate_of(answer["sdp"])
        answer["sdp"] = with_candidate(answer["sdp"], relay.near)
        self.relay = relay
        return web.json_response(answer)


def candidate_of(sdp: str) -> Address:
    """Return where an SDP's sender is: its first host candidate (RFC 8839, section 5.1).

    Raises:
        ValueError: it has none.
    """
    found = _HOST_CANDIDATE.search(sdp)
    if found is None:
        raise ValueError("there is no host candidate in the SDP")
    return found[1], int(found[2])


def with_candidate(sdp: str, address: Address) -> str:
    """Return the SDP with one candidate, ``address``, in place of those of each section."""
    ours = f"a=candidate:1 1 udp 2130706431 {address[0]} {address[1]} typ host"
    lines: list[str] = []
    for section in re.split(r"(?m)^(?=m=)", sdp):
        own = [line for line in section.splitlines() if not line.startswith("a=candidate:")]
        lines += own if len(own) == len(section.splitlines()) else [*own, ours]
    return "".join(f"{line}\r\n" for line in lines)
