"""Hold the port, listen once ready, stop on a signal."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import ifaddr
from aiohttp import web

from rtc.app import serving
from rtc.keys import CONFIG, REGISTRY
from rtc.listening import Listener
from rtc.ports import PortRange, event_loop_within
from rtc.siblings import SIBLINGS, socket_of
from rtc.strays import tolerate_strays

# Short, so that an offer comes over a connection of its own, and to the worker that has room, not
# over the one on which the page came.
_KEEPALIVE_S = 2.0
_OTHER_PORT = "choose another with --port"
_SHUTDOWN_S = 1.0  # for HTTP requests under way; sessions have their own limit


@dataclass(frozen=True)
class Family:
    """The other processes of a server.

    Attributes:
        parent: descriptor of a pipe or socket at whose other end the parent is.
        siblings: the folder for their sockets, where others share the port; None without such.
    """

    parent: int
    siblings: Path | None = None


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
        raise PortError(
            f"{host} is no address to serve on: {error.strerror}; name one of this machine's "
            "with --host"
        ) from error
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(address)
    except OSError as error:
        held.close()
        is_elsewhere = error.errno == errno.EADDRNOTAVAIL
        remedy = "name an address of this machine with --host" if is_elsewhere else _OTHER_PORT
        raise PortError(
            f"port {port} on {host} cannot be used: {error.strerror}; {remedy}"
        ) from error
    return held


def address_of(held: socket.socket, scheme: str = "http") -> str:
    """Return the URL that a browser on this machine opens to reach a held port."""
    host, port = held.getsockname()[:2]
    return _url(scheme, "localhost" if ip_address(host).is_unspecified else host, port)


def network_addresses_of(held: socket.socket, scheme: str = "http") -> list[str]:
    """Return the URLs at which other machines reach a port that is held on all addresses."""
    host, port = held.getsockname()[:2]
    if not ip_address(host).is_unspecified:
        return []
    return [
        _url(scheme, str(address), port)
        for address in own_addresses()
        # Browsers take no address that needs an adapter's name beside it, as link-local ones do.
        if address.version == ip_address(host).version
        and not (address.is_loopback or address.is_link_local)
    ]


def own_addresses() -> list[IPv4Address | IPv6Address]:
    """Return every address of every network adapter of this machine."""
    found = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips]
    # ifaddr gives an IPv6 address with flow and scope, which are of no use to others.
    return [ip_address(ip if isinstance(ip, str) else ip[0]) for ip in found]


def new_event_loop(udp_ports: PortRange | None = None) -> asyncio.AbstractEventLoop:
    """Return uvloop's, which takes a packet in half the time, where there is one for the system.

    Args:
        udp_ports: for media; None is any.
    """
    kind = _kind_of_loop()
    return event_loop_within(udp_ports, kind) if udp_ports else kind()


async def serve_until_signal(
    app: web.Application,
    held: socket.socket,
    on_ready: Callable[[], None],
    tls: ssl.SSLContext | None = None,
    family: Family | None = None,
) -> None:
    """Listen on a held port, call ``on_ready``, and serve; https with TLS.

    Until SIGINT, or for ``drain_s`` after SIGTERM, in which nobody more is let in and those who are
    here are told. A second signal ends it at once.

    Args:
        app: what serves.
        held: bound.
        on_ready: called once it listens.
        tls: for https.
        family: where this is one process of several; it ends when its parent does.

    Raises:
        PortError: somebody else listens on the port.
    """
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    tolerate_strays(loop)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, signals.put_nowait, number)
    parent, siblings = (family.parent, family.siblings) if family else (None, None)
    if parent is not None:
        loop.add_reader(parent, _on_parent_gone, parent, signals)
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=_SHUTDOWN_S, keepalive_timeout=_KEEPALIVE_S
    )
    if siblings is not None:
        app[SIBLINGS] = siblings
    await runner.setup()
    assert runner.server is not None
    if siblings is not None:
        await web.UnixSite(runner, str(socket_of(siblings))).start()
    shares = None if siblings is None else partial(serving, app)
    listener = Listener(held, runner.server, tls, shares)
    try:
        try:
            listener.start()
        except OSError as error:
            # Another process may have bound the port as we did and listened first.
            port = held.getsockname()[1]
            raise PortError(f"port {port} was taken meanwhile; {_OTHER_PORT}") from error
        on_ready()
        if await signals.get() is signal.SIGTERM:
            await _drain(app, signals)
    finally:
        if parent is not None:
            loop.remove_reader(parent)
        await listener.aclose()
        await runner.cleanup()


def _kind_of_loop() -> type[asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ModuleNotFoundError:
        if sys.platform == "win32":
            return asyncio.ProactorEventLoop
        return asyncio.SelectorEventLoop
    return uvloop.Loop


def _on_parent_gone(parent: int, signals: asyncio.Queue[signal.Signals]) -> None:
    asyncio.get_running_loop().remove_reader(parent)
    signals.put_nowait(signal.SIGINT)


async def _drain(app: web.Application, signals: asyncio.Queue[signal.Signals]) -> None:
    """Wait until nobody is here any more, for a while, or until the next signal."""
    draining = asyncio.create_task(app[REGISTRY].drain(app[CONFIG].drain_s), name="drain")
    again = asyncio.create_task(signals.get(), name="second signal")
    await asyncio.wait({draining, again}, return_when=asyncio.FIRST_COMPLETED)
    draining.cancel()
    again.cancel()
    await asyncio.wait({draining, again})


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"
