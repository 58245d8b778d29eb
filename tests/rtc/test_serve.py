"""Holding a port, and losing it to one who was quicker."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import ifaddr
import pytest
from aiohttp import web

from rtc.serve import (
    PortError,
    address_of,
    hold_port,
    network_addresses_of,
    own_addresses,
    serve_until_signal,
)


async def test_of_two_that_hold_a_port_the_later_listener_is_told() -> None:
    """Two servers that start at once may both hold a port; who listens second gets a sentence."""
    with hold_port("127.0.0.1", 0) as quicker:
        port = quicker.getsockname()[1]
        with hold_port("127.0.0.1", port) as slower:
            quicker.listen()
            with pytest.raises(PortError, match=f"port {port} was taken meanwhile"):
                await serve_until_signal(web.Application(), slower, lambda: None)


def test_a_port_on_which_somebody_listens_cannot_be_held() -> None:
    """A taken port is refused at once, with its number and what to do."""
    with hold_port("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"port {port} on 127.0.0.1 cannot be used.*--port"):
            hold_port("127.0.0.1", port)


def test_an_address_that_is_nowhere_is_refused() -> None:
    """A host name that means nothing is named in the error."""
    with pytest.raises(PortError, match=r"no\.such\.host\.invalid is no address to serve on"):
        hold_port("no.such.host.invalid", 0)


def test_an_address_of_another_machine_is_refused() -> None:
    """What is wrong is the host, and not the port."""
    with pytest.raises(PortError, match=r"192\.0\.2\.1 cannot be used: .* with --host"):
        hold_port("192.0.2.1", 0)


def test_the_url_of_any_address_is_one_a_browser_can_open() -> None:
    """A server on all addresses is opened as localhost."""
    with hold_port("0.0.0.0", 0) as held:
        assert address_of(held) == f"http://localhost:{held.getsockname()[1]}/"


def test_the_scheme_is_the_servers() -> None:
    """With TLS the URL begins with https."""
    with hold_port("127.0.0.1", 0) as held:
        port = held.getsockname()[1]
        assert address_of(held, "https") == f"https://127.0.0.1:{port}/"


def test_others_reach_a_port_on_all_addresses_at_those_of_its_kind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of this machine's addresses those are named that a browser elsewhere can open."""
    of_this_machine = ["127.0.0.1", "::1", "192.0.2.5", "169.254.1.1", "2001:db8::5", "fe80::5"]
    monkeypatch.setattr("rtc.serve.own_addresses", lambda: list(map(ip_address, of_this_machine)))
    with hold_port("0.0.0.0", 0) as held:
        port = held.getsockname()[1]
        assert network_addresses_of(held, "https") == [f"https://192.0.2.5:{port}/"]
    if socket.has_ipv6:
        with hold_port("::", 0) as held:
            port = held.getsockname()[1]
            assert network_addresses_of(held, "https") == [f"https://[2001:db8::5]:{port}/"]


def test_others_do_not_reach_a_port_on_one_address() -> None:
    """A server on 127.0.0.1 has no address for others."""
    with hold_port("127.0.0.1", 0) as held:
        assert network_addresses_of(held) == []


def test_own_addresses_are_those_of_all_adapters() -> None:
    """Every address of IPv4 and IPv6 that the system knows of is there, and loopback is too."""
    adapters = [ip for adapter in ifaddr.get_adapters() for ip in adapter.ips]
    assert len(own_addresses()) == len(adapters)
    assert ip_address("127.0.0.1") in own_addresses()
