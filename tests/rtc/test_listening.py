"""Connections on a port that processes share: who serves fewer people takes them."""

from __future__ import annotations

import asyncio
import socket

from rtc.listening import Listener


class _Greeting(asyncio.Protocol):
    """Says a word to whoever connects."""

    def __init__(self, word: bytes) -> None:
        self._word = word

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._word)
        transport.close()


def _listener(held: socket.socket, word: bytes, people: int) -> Listener:
    return Listener(held, lambda: _Greeting(word), None, lambda: people)


async def _greeted(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    word = await reader.read()
    writer.close()
    return word


async def test_who_serves_fewer_is_there_first() -> None:
    """Of two on one port, the one with twenty people leaves newcomers to the one with none."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        with held.dup() as shared:
            busy, idle = _listener(held, b"busy", 20), _listener(shared, b"idle", 0)
            busy.start()
            idle.start()
            words = [await _greeted(port) for _ in range(10)]
            assert words == [b"idle"] * 10
            await idle.aclose()
            assert await _greeted(port) == b"busy"
            await busy.aclose()


async def test_who_shares_with_nobody_does_not_wait() -> None:
    """On a port of its own a process takes connections at once, however many people it serves."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        listener = Listener(held, lambda: _Greeting(b"here"), None)
        listener.start()
        async with asyncio.timeout(2):
            words = [await _greeted(held.getsockname()[1]) for _ in range(50)]
        assert words == [b"here"] * 50
        await listener.aclose()


async def test_many_at_once_are_all_taken() -> None:
    """Who serves many people takes its time, but leaves nobody out."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        listener = _listener(held, b"here", 2)
        listener.start()
        port = held.getsockname()[1]
        async with asyncio.timeout(10):
            words = await asyncio.gather(*(_greeted(port) for _ in range(30)))
        assert words == [b"here"] * 30
        await listener.aclose()
