"""Holding a port, and losing it to one who was quicker."""

from __future__ import annotations

import pytest
from aiohttp import web

from rtc.serve import PortError, address_of, hold_port, serve_until_signal


async def test_of_two_that_hold_a_port_the_later_listener_is_told() -> None:
    """Two servers that start at once may both hold a port; who listens second gets a sentence."""
    with hold_port("127.0.0.1", 0) as quicker:
        port = quicker.getsockname()[1]
        with hold_port("127.0.0.1", port) as slower:
            quicker.listen()
            with pytest.raises(PortError, match=f"port {port} was taken meanwhile"):
                await serve_until_signal(web.Application(), slower, "ready")


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


def test_the_url_of_any_address_is_one_a_browser_can_open() -> None:
    """A server on all addresses is opened as localhost."""
    with hold_port("0.0.0.0", 0) as held:
        assert address_of(held) == f"http://localhost:{held.getsockname()[1]}/"
