"""UDP ports: which ranges are taken, and that media stays within one."""

from __future__ import annotations

import argparse
import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiortc import RTCPeerConnection

from rtc.client import RefusedError
from rtc.ports import FreePorts, PortRange, event_loop_within, port_range
from rtc.serve import new_event_loop, own_addresses
from tests.media import Clip, SoundTrack
from tests.peers import Peer
from tests.web.process import running_server

_BELOW_EPHEMERAL = range(20_000, 30_000, 10)  # the system gives none of these to others by itself

Kind = type[asyncio.AbstractEventLoop]


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.bind(("", port))
        return True
    return False


def _free_range(length: int) -> PortRange:
    first = next(
        first
        for first in _BELOW_EPHEMERAL
        if all(_is_free(port) for port in range(first, first + length))
    )
    return PortRange(first, first + length - 1)


def test_a_range_is_read() -> None:
    """Both ends are included, and one port is a range."""
    assert port_range("50000-50100") == PortRange(50_000, 50_100)
    assert len(port_range("50000-50100")) == 101
    assert len(port_range("1024-1024")) == 1


@pytest.mark.parametrize(
    "text",
    ["", "50000", "50100-50000", "1023-2000", "65000-65536", "50000-", "-50000", "a-b", "1e4-2e4"],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    """Each is named, with how a range is written or where ports lie."""
    with pytest.raises(argparse.ArgumentTypeError, match="is no range of ports") as refused:
        port_range(text)
    assert "FIRST-LAST" in str(refused.value) or "1024 to 65535" in str(refused.value)


def test_a_port_of_somebody_else_is_passed_by_and_one_that_was_left_comes_last() -> None:
    """What another socket has is not shared, and all others come before the first comes again."""
    ports = _free_range(4)
    free = FreePorts(ports)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as others:
        others.bind(("127.0.0.1", ports.first + 1))
        seen = []
        for _ in range(6):
            with free.bound("127.0.0.1") as held:
                seen.append(held.getsockname()[1])
    assert set(seen[:3]) == {ports.first, ports.first + 2, ports.last}
    assert seen[3:] == seen[:3]


def test_an_address_of_others_is_no_matter_of_ports() -> None:
    """The system's own reason is handed on for what no port can mend."""
    with pytest.raises(OSError, match="assign requested address"):
        FreePorts(_free_range(2)).bound("203.0.113.1")


class _Collector(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002  asyncio's
        self.received.put_nowait(data)


async def _open(**options: Any) -> tuple[asyncio.DatagramTransport, _Collector]:
    loop = asyncio.get_running_loop()
    return await loop.create_datagram_endpoint(_Collector, **options)


async def _speak_within(ports: PortRange) -> None:
    # As aioice opens those of host candidates, and that of a TURN client.
    own, heard = await _open(local_addr=("127.0.0.1", 0))
    with closing(own):
        address = own.get_extra_info("sockname")
        client, answered = await _open(remote_addr=address)
        with closing(client):
            client_address = client.get_extra_info("sockname")
            assert {address[1], client_address[1]} == {ports.first, ports.last}
            client.sendto(b"to")
            assert await asyncio.wait_for(heard.received.get(), 5) == b"to"
            own.sendto(b"fro", ("127.0.0.1", client_address[1]))
            assert await asyncio.wait_for(answered.received.get(), 5) == b"fro"
            for transport in (own, client):
                kept = transport.get_extra_info("socket")
                kept.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)  # aioice does
            with pytest.raises(OSError, match=r"is free on 127\.0\.0\.1"):
                await _open(local_addr=("127.0.0.1", 0))
        await asyncio.sleep(0)  # in which a loop closes what it was told to
        again, _ = await _open(local_addr=("127.0.0.1", 0))
        with closing(again):
            assert again.get_extra_info("sockname")[1] == client_address[1]


async def _open_others(ports: PortRange) -> None:
    """What has its port already is no matter of the range."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        transport, _ = await _open(sock=held)
        with closing(transport):
            assert transport.get_extra_info("sockname")[1] not in range(ports.first, ports.last + 1)
        await asyncio.sleep(0)
    chosen = _free_range(4).last
    transport, _ = await _open(local_addr=("127.0.0.1", chosen))
    with closing(transport):
        assert transport.get_extra_info("sockname")[1] == chosen


@pytest.mark.parametrize("work", [_speak_within, _open_others])
@pytest.mark.parametrize("kind", [uvloop.Loop, asyncio.SelectorEventLoop])
def test_a_loops_sockets_stay_within_the_range(
    kind: Kind, work: Callable[[PortRange], Coroutine[Any, Any, None]]
) -> None:
    """Both loops bind within the range, can be spoken to there, and say when all are taken."""
    ports = _free_range(2)
    with asyncio.Runner(loop_factory=lambda: event_loop_within(ports, kind)) as runner:
        runner.run(work(ports))


def test_without_a_range_the_system_chooses() -> None:
    """No loop of ours is put before the usual one unless it is asked for."""
    loop = new_event_loop()
    assert type(loop) in {uvloop.Loop, asyncio.SelectorEventLoop}
    loop.close()


def _own_ports(connection: RTCPeerConnection) -> set[tuple[str, int]]:
    """Return where the other side of a connection can be reached, as its description says."""
    lines = [ln for ln in connection.remoteDescription.sdp.splitlines() if "a=candidate" in ln]
    return {(line.split()[4], int(line.split()[5])) for line in lines}


async def test_a_session_takes_one_port_on_each_address_and_the_next_is_told_when_none_is_left(
    tmp_path: Path, happy_clip: Clip
) -> None:
    """A range of two ports serves two people, all within it; the third gets in once one leaves."""
    ports = _free_range(2)
    flags = ("--udp-ports", f"{ports.first}-{ports.last}", "--max-sessions", "8")
    with running_server(tmp_path / "stderr.txt", *flags) as server:
        async with AsyncExitStack() as leaving:
            first = Peer(server.url, SoundTrack(happy_clip.sound))
            second = Peer(server.url, SoundTrack(happy_clip.sound))
            async with first:
                await leaving.enter_async_context(second)
                taken = [_own_ports(peer.client.connection) for peer in (first, second)]
                assert not taken[0] & taken[1]
                for each in taken:
                    assert {port for _, port in each} <= {ports.first, ports.last}
                    assert len(each) == len({address for address, _ in each})
                    assert len(each) <= len(own_addresses())
                assert await first.results(1)
                assert await second.results(1)
                with pytest.raises(RefusedError, match="no free UDP port") as refused:
                    await Peer(server.url, SoundTrack(happy_clip.sound)).__aenter__()
                assert (refused.value.status, refused.value.retry_after_s) == (503, 10)
                assert await server.sessions() == 2
            while not await server.is_serving(1):  # noqa: ASYNC110  it is another process
                await asyncio.sleep(0.05)
            async with Peer(server.url, SoundTrack(happy_clip.sound)) as third:
                assert await third.results(1)
    assert "--udp-ports: none from" in (tmp_path / "stderr.txt").read_text()
