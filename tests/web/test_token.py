"""The page at a server that asks for a token, and what it shows of the server's notices."""

from __future__ import annotations

from tests.web.conftest import OpenTab, StartProcess
from tests.web.devices import Devices

_TOKEN = "correct-horse-battery"


async def test_the_token_in_the_address_opens_the_door(
    open_tab: OpenTab, start_process: StartProcess, happy_devices: Devices
) -> None:
    """With the token behind the #, results come; it leaves the address bar, and a page that is
    loaded again still has it.
    """
    server = start_process("--token", _TOKEN)
    tab = await open_tab(happy_devices, url=f"{server.url}/#token={_TOKEN}")
    assert tab.page.url == f"{server.url}/"
    await tab.start()
    assert await tab.results(2)
    await tab.stop()
    await tab.page.reload()
    await tab.start()
    assert await tab.results(2)


async def test_without_the_token_the_page_says_what_to_do(
    open_tab: OpenTab, start_process: StartProcess, happy_devices: Devices
) -> None:
    """The sentence stands on the page at once, and again after a click on Start, which asks for
    nothing in vain.
    """
    server = start_process("--token", _TOKEN)
    for address, sentence in (
        (server.url, "This server asks for a token"),
        (f"{server.url}/#token={_TOKEN}x", "The token is not this server's"),
    ):
        tab = await open_tab(happy_devices, url=address)
        tab.tolerated = ("401 (Unauthorized)",)
        await tab.until_text("models", sentence)
        await tab.start()
        await tab.until_text("error", "open its page with #token=… at the end of the address")
        await tab.until_state("idle")
        assert tab.offers == 0


async def test_a_notice_of_the_server_is_shown_while_it_goes_on(
    open_tab: OpenTab, start_process: StartProcess, happy_devices: Devices
) -> None:
    """Whoever is there when the server is told to end reads so, and results keep coming."""
    server = start_process("--drain", "4")
    tab = await open_tab(happy_devices, url=server.url)
    await tab.start()
    await tab.results(2)
    server.terminate()
    await tab.until_text("error", "The server is about to stop", within_s=3)
    assert await tab.results(1)
    assert await tab.state() == "live"
    await tab.stop()
