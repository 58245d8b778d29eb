"""The page where nothing but a TURN server lets media through."""

from __future__ import annotations

from pathlib import Path

from tests.turn import running_turn
from tests.web.conftest import OpenTab, StartProcess
from tests.web.devices import Devices

_KEEP_CONNECTIONS = """
window.connections = [];
const { RTCPeerConnection: Own } = window;
window.RTCPeerConnection = class extends Own {
  constructor(...given) {
    super(...given);
    connections.push(this);
  }
};
"""

# As the browser itself counts it: the pair of candidates over which the packets go.
_SELECTED = """
(async () => {
  const stats = await connections[0].getStats();
  const transport = [...stats.values()].find(({ type }) => type === 'transport');
  const pair = stats.get(transport.selectedCandidatePairId);
  return [pair.localCandidateId, pair.remoteCandidateId].map((id) => stats.get(id).candidateType);
})()
"""

_TOLD = """
[connections[0].localDescription, connections[0].remoteDescription].map(({ sdp }) =>
  [...new Set([...sdp.matchAll(/^a=candidate:.* typ (\\w+)/gm)].map(([, type]) => type))])
"""


async def test_relay_only_shows_results_by_way_of_the_relay(
    open_tab: OpenTab, happy_devices: Devices, start_process: StartProcess, tmp_path: Path
) -> None:
    """Told so by its server, the page offers relays alone, and results come by way of them."""
    with running_turn(tmp_path) as turn:
        login = ("--ice-username", turn.username, "--ice-credential", turn.credential)
        server = start_process("--ice-server", turn.url, *login, "--ice-relay-only")
        tab = await open_tab(happy_devices, url=server.url, script=_KEEP_CONNECTIONS)
        await tab.start()
        messages = await tab.results(4)
        assert messages[-1].evidence == "both"
        assert await tab.page.evaluate(_SELECTED) == ["relay", "relay"]
        assert await tab.page.evaluate(_TOLD) == [["relay"], ["relay"]]
        assert await tab.stop() == "idle"


async def test_relay_that_is_not_there_is_named_on_the_page(
    open_tab: OpenTab, happy_devices: Devices, start_process: StartProcess, tmp_path: Path
) -> None:
    """When the server's TURN server refuses it, the page says so, and that it tries again."""
    with running_turn(tmp_path) as turn:
        login = ("--ice-username", turn.username, "--ice-credential", "wrong")
        server = start_process("--ice-server", turn.url, *login, "--ice-relay-only", "1")
        tab = await open_tab(happy_devices, url=server.url)
        tab.tolerated = ("503 (Service Unavailable)",)
        await tab.start()
        await tab.until_state("reconnecting")
        (error,) = await tab.text("error")
        assert error == (
            "The server may be reached by way of its TURN server alone, which gives it no address."
        )
        assert await tab.stop() == "idle"
