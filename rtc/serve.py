"""Hold the port, listen once ready, stop on a signal."""

from __future__ import annotations

import asyncio
import signal
import socket

from aiohttp import web

_SHUTDOWN_S = 1.0  # for HTTP requests under way; sessions have their own limit


class PortError(RuntimeError):
    """The address cannot be served on; the message says why in one line."""


def hold_port(host: str, port: int) -> socket.socket:
    """Bind without listening: a taken port is noticed at once, and nobody is served too soon.

    Raises:
        PortError: the port is taken, not allowed, or the host is not of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        held = socket.socket(family, kind, protocol)
    except OSError as error:
        raise PortError(f"{host} is no address to serve on: {error.strerror}") from error
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(address)
    except OSError as error:
        held.close()
        raise PortError(
            f"port {port} on {host} cannot be used: {error.strerror}; choose another with --port"
        ) from error
    return held


def address_of(held: socket.socket) -> str:
    """Return the URL that a browser opens to reach a held port."""
    host, port = held.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104  compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


async def serve_until_signal(app: web.Application, held: socket.socket, ready: str) -> None:
    """Listen on a held port, print ``ready``, and serve until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        try:
            await web.SockSite(runner, held).start()
        except OSError as error:
            # Another process may have bound the port as we did and listened first.
            port = held.getsockname()[1]
            raise PortError(
                f"port {port} was taken meanwhile; choose another with --port"
            ) from error
        print(ready, flush=True)
        await stop.wait()
    finally:
        await runner.cleanup()
