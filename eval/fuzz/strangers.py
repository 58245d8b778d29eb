"""Attackers that were not let in: strangers, and those who passed the connectivity checks only."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections import Counter
from ipaddress import ip_address
from random import Random
from types import TracebackType
from typing import Self

from aioice import Candidate, Connection
from aiortc import RTCConfiguration, RTCPeerConnection

from eval.bench.media import EncodedMedia
from eval.bench.peers import EncodedTrack
from eval.fuzz.datagrams import DATAGRAMS, Target, client_hello
from eval.fuzz.mutation import mutated
from rtc.client import post_offer

_PATIENCE_S = 5.0
_PLACES = ("127.0.0.1", "127.0.0.2", "")  # where strangers send from; "" is wherever it is best
_PAUSE_EVERY = 25  # datagrams; more at once would be lost in the server's socket


class Strangers:
    """Sockets of nobody's, which send what they like to a media port. Use as ``with``."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        for place in _PLACES:
            held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            held.setblocking(False)
            with contextlib.suppress(OSError):  # only Linux has all of 127.0.0.0/8
                held.bind((place, 0))
            self._sockets.append(held)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for held in self._sockets:
            held.close()

    async def attack(self, rng: Random, target: Target, count: int, sent: Counter[str]) -> None:
        """Send ``count`` datagrams of all kinds."""
        for number in range(count):
            kind = rng.choice(tuple(DATAGRAMS))
            datagram = DATAGRAMS[kind](rng, target)
            with contextlib.suppress(OSError):  # no room just now, or no way from there
                rng.choice(self._sockets).sendto(datagram, (target.host, target.port))
                sent[kind] += 1
            if number % _PAUSE_EVERY == 0:
                await asyncio.sleep(0.001)


class HalfKnown:
    """A peer that passes the connectivity checks and then speaks broken DTLS."""

    def __init__(self, url: str, offer: str) -> None:
        self._url = url
        self._offer = offer
        self._connection = Connection(ice_controlling=True, use_ipv6=False)

    async def attack(self, rng: Random, count: int, sent: Counter[str]) -> None:
        """Connect and send; raises ConnectionError, TimeoutError or rtc.client.RefusedError."""
        try:
            await self._connect(rng)
            hello = client_hello(rng)
            for number in range(count):
                kind = rng.choice(("hello", "record", "hello again"))
                datagram = {
                    "hello": hello,
                    "record": DATAGRAMS["DTLS records"](rng, Target("", 0, "", "")),
                    "hello again": mutated(rng, hello),
                }[kind]
                await self._connection.send(datagram)
                sent["DTLS before the handshake"] += 1
                if number % _PAUSE_EVERY == 0:
                    await asyncio.sleep(0.001)
        finally:
            await self._connection.close()

    async def _connect(self, rng: Random) -> None:
        await self._connection.gather_candidates()
        setup = rng.choice(("actpass", "active", "passive"))
        answer = await post_offer(self._url, {"sdp": self._described(setup), "type": "offer"})
        for line in answer["sdp"].splitlines():
            if line.startswith("a=candidate:"):
                candidate = Candidate.from_sdp(line.removeprefix("a=candidate:"))
                await self._connection.add_remote_candidate(candidate)
        await self._connection.add_remote_candidate(None)
        self._connection.remote_username = _attribute(answer["sdp"], "ice-ufrag")
        self._connection.remote_password = _attribute(answer["sdp"], "ice-pwd")
        async with asyncio.timeout(_PATIENCE_S):
            await self._connection.connect()

    def _described(self, setup: str) -> str:
        own = [f"a=candidate:{each.to_sdp()}" for each in self._connection.local_candidates]
        lines: list[str] = []
        for line in self._offer.splitlines():
            name = line.split(":")[0]
            if name == "a=end-of-candidates":
                lines += own
            if name == "a=candidate":
                continue
            lines.append(
                {
                    "a=ice-ufrag": f"a=ice-ufrag:{self._connection.local_username}",
                    "a=ice-pwd": f"a=ice-pwd:{self._connection.local_password}",
                    "a=setup": f"a=setup:{setup}",
                }.get(name, line)
            )
        return "\r\n".join([*lines, ""])


async def sound_offer(media: EncodedMedia) -> str:
    """Return the description that a real peer offers."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        connection.addTrack(EncodedTrack("audio", media.sound))
        connection.addTrack(EncodedTrack("video", media.pictures))
        connection.createDataChannel("emotions")
        await connection.setLocalDescription(await connection.createOffer())
        return str(connection.localDescription.sdp)
    finally:
        await connection.close()


def target_in(answer: str, offer: str, password: str | None = None) -> Target:
    """Return where the media of an answer go, by its first IPv4 candidate."""
    lines = [line.split() for line in answer.splitlines() if line.startswith("a=candidate:")]
    host, port = next((w[4], int(w[5])) for w in lines if ip_address(w[4]).version == 4)
    names = _attribute(answer, "ice-ufrag"), _attribute(offer, "ice-ufrag")
    return Target(host, port, ":".join(names), password or _attribute(answer, "ice-pwd"))


def _attribute(sdp: str, name: str) -> str:
    found = re.search(rf"(?m)^a={name}:(\S+)", sdp)
    assert found
    return found[1]
