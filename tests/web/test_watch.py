"""A session of one tab is watched in another by its link: the same results, from whoever sends."""

from __future__ import annotations

import re

from rtc.naming import names_of
from tests.web.conftest import OpenTab, StartProcess
from tests.web.devices import Devices
from tests.web.gist import UNCERTAIN_BELOW
from tests.web.process import ServerProcess
from tests.web.watching import MAY_RETURN, open_watcher, pasted, start_and_copy
from tests.web.whip import WHIP, end, publish


async def test_the_watcher_sees_what_the_person_sees(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess
) -> None:
    """By the copied link another tab gets the very same results, and shows them as one's own."""
    own = await open_tab(happy_devices)
    link = await start_and_copy(own)
    assert re.fullmatch(rf"{server_process.url}/watch#session=[\w-]{{22,64}}", link)
    watcher = await open_watcher(open_tab, happy_devices, link)
    seen = await watcher.results(6)
    assert await watcher.state() == "live"
    sent = {each.message.sequence: each.message for each in await own.arrivals()}
    assert [sent[message.sequence] for message in seen] == seen
    sequences = [message.sequence for message in seen]
    assert sequences == list(range(sequences[0], sequences[0] + 6))
    message, screen = await watcher.shown()
    assert message.fused
    share = message.fused.probabilities[message.fused.label]
    label = "Uncertain" if share < UNCERTAIN_BELOW else message.fused.label.capitalize()
    assert screen["fused"] == [label, f"{int(share * 100 + 0.5)} %"]
    assert [line[0] for line in screen["top5"]] == [
        line.label.capitalize() for line in message.top5
    ]
    assert await watcher.page.evaluate("watched.offers.length") == 0  # it sends nothing
    rate, models = await watcher.text("rate", "models")
    assert re.fullmatch(r"[12]\.\d results a second", rate)
    assert models == (await own.text("models"))[0]


async def test_the_frame_lies_where_the_camera_saw_the_face(
    open_tab: OpenTab, happy_devices: Devices
) -> None:
    """Without a picture the face's frame is there all the same, and as the camera saw it."""
    own = await open_tab(happy_devices)
    watcher = await open_watcher(open_tab, happy_devices, await start_and_copy(own))
    await watcher.until("!document.getElementById('face-box').hidden")
    assert await watcher.page.locator("video").count() == 0
    box, (left, top, width, height) = await watcher.page.evaluate(
        """() => {
          const texts = watched.arrivals.map(([, text]) => JSON.parse(text));
          const { face } = texts.reduce((a, b) => (b.sequence > a.sequence ? b : a));
          const { style } = document.getElementById('face-box');
          const sides = ['left', 'top', 'width', 'height'];
          return [face.box, sides.map((side) => parseFloat(style[side]))];
        }"""
    )
    for shown, share in ((left, "x"), (top, "y"), (width, "width"), (height, "height")):
        assert abs(shown - 100 * box[share]) < 0.01


async def test_a_page_without_a_name_makes_one_to_send_to(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess
) -> None:
    """It says where a WHIP program is to send, waits, shows what comes, and again when it comes
    back.
    """
    watcher = await open_watcher(open_tab, happy_devices, f"{server_process.url}/watch")
    await watcher.until_state("waiting")
    assert await watcher.text("error") == [
        "Nobody sends under this link yet. As soon as somebody does, it is shown here."
    ]
    named = re.fullmatch(rf"{server_process.url}/watch#session=([\w-]{{32}})", watcher.page.url)
    assert named
    assert await watcher.page.is_visible("#whip-address")
    assert await watcher.page.is_hidden("#bearer")
    (address,) = await watcher.text("whip-address")
    key = address.removeprefix(f"{server_process.url}/whip?key=")
    assert names_of(key).watch == named[1]
    await watcher.page.click("#copy-whip")
    await watcher.until_text("whip-copied", "Address copied.")
    assert await pasted(watcher) == address
    publisher = await open_tab(happy_devices, script=WHIP)
    for _ in range(2):
        await publish(publisher, key=key)
        await watcher.until_state("live")
        await watcher.results(3)
        assert await watcher.page.is_hidden("#sending")
        assert await watcher.text("error") == [""]
        assert await end(publisher) == 200
        await watcher.until_state("ended", within_s=5)
        assert await watcher.text("error") == [
            f"This session has ended: its publisher ended it. {MAY_RETURN}"
        ]
    await watcher.page.reload()
    await watcher.until_state("ended")
    assert watcher.page.url.endswith(named[1])


async def test_the_token_goes_with_the_link(
    open_tab: OpenTab, happy_devices: Devices, start_process: StartProcess
) -> None:
    """The copied link holds the token; it leaves the address, and without it the page says why
    nothing is shown.
    """
    token = "correct+horse&battery"  # with what means something else in an address
    server = start_process("--token", token)
    own = await open_tab(
        happy_devices, url=f"{server.url}/#token={token.replace('+', '%2B').replace('&', '%26')}"
    )
    link = await start_and_copy(own)
    bare = link.partition("&token=")[0]
    assert bare != link
    watcher = await open_watcher(open_tab, happy_devices, link)
    await watcher.results(2)
    assert watcher.page.url == bare
    await watcher.page.click("#copy-link")
    await watcher.until_text("copied", "The link holds this server\u2019s token.")
    assert await pasted(watcher) == link
    for given, sentence in (
        (bare, "This server asks for a token, and this link has none."),
        (f"{bare}&token=another-one", "The token in this link is not the server\u2019s"),
    ):
        stranger = await open_watcher(open_tab, happy_devices, given)
        stranger.tolerated = ("401 (Unauthorized)",)
        await stranger.until_text("error", sentence)
        assert await stranger.state() == "refused"
        assert await stranger.page.is_hidden("#share")
