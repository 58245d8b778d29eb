"""A real Ray cluster of two nodes, what it serves, and what it bears.

Not among the tests that run by themselves: beside others, on two cores, its times do not hold.
``RESULTS_CSV=eval/results/cluster.csv python -m pytest tests/rtc/cluster/trials.py`` runs it and
writes down what was measured. The trials share one cluster and leave it as they found it: two
replicas, and nobody there.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest

from eval.results import write_rows
from rtc.client import RefusedError
from rtc.naming import place_of
from tests.events import events
from tests.media import Clip, PictureTrack, SoundTrack
from tests.peers import Peer
from tests.publishers import Publisher
from tests.rtc.cluster.clusters import PLAN, TestCluster, running_cluster
from tests.web.browser import Tab
from tests.web.conftest import windows
from tests.web.devices import Devices

pytestmark = pytest.mark.timeout(300)

_ROOT = Path(__file__).resolve().parents[3]
_BACK_WITHIN_S = 10.0
Record = Callable[[str, float], None]

_MOST_PAUSE_S = 2.0  # of results at a peer that has nothing to do with it; two come a second


@pytest.fixture(scope="module")
def whole_cluster() -> Iterator[TestCluster]:
    """Two nodes with a replica each."""
    with running_cluster(nodes=2, cpus=1) as cluster:
        cluster.do_at_once("deploy", **PLAN)
        yield cluster


@pytest.fixture(scope="module")
def rows() -> Iterator[list[dict[str, object]]]:
    """What was measured; in the end it goes where RESULTS_CSV says."""
    measured: list[dict[str, object]] = []
    yield measured
    if path := os.environ.get("RESULTS_CSV"):
        write_rows(Path(path), measured)


@pytest.fixture
def record(
    rows: list[dict[str, object]], request: pytest.FixtureRequest
) -> Callable[[str, float], None]:
    """Write a figure down under the name of its trial."""

    def note(what: str, value: float) -> None:
        trial = request.node.name.removeprefix("test_")
        rows.append({"trial": trial, "what": what, "value": round(value, 2)})

    return note


@pytest.fixture
async def cluster(whole_cluster: TestCluster) -> TestCluster:
    """As it is meant to be, and with nobody there."""
    await _until(lambda: _has_settled(whole_cluster, 2), within_s=60)
    await _until(lambda: _is_whole(whole_cluster), within_s=60)
    return whole_cluster


@pytest.fixture
async def tab(
    cluster: TestCluster, browser_path: str, happy_devices: Devices
) -> AsyncIterator[Tab]:
    """A page of the cluster, not yet started."""
    async with windows(browser_path, cluster) as open_tab:
        yield await open_tab(happy_devices)


async def test_people_are_spread_over_both_nodes(
    cluster: TestCluster, happy_clip: Clip, record: Record
) -> None:
    """Of four, two are served on each node; everybody has voice and face twice a second."""
    replicas = await cluster.do("replicas")
    assert len({each["node"] for each in replicas.values()}) == 2
    async with AsyncExitStack() as here:
        people = [await here.enter_async_context(_person(cluster, happy_clip)) for _ in range(4)]
        await asyncio.gather(*(person.results(4) for person in people))
        assert sorted((await cluster.sessions()).values()) == [2, 2]
        began_at = time.monotonic()
        last = [found[-1] for found in await asyncio.gather(*(p.results(10) for p in people))]
        took_s = time.monotonic() - began_at
        record("people at the fuller of two nodes, of four", 2)
        record("results a second", 10 / took_s)
        assert 4 < took_s < 8
        assert {message.evidence for message in last} == {"both"}


async def test_a_session_is_found_from_outside(cluster: TestCluster, happy_clip: Clip) -> None:
    """Whoever watches, asks or ends reaches the replica that serves, whichever it is."""
    places = Counter[str]()
    for _ in range(2):
        async with AsyncExitStack() as here:
            for _ in range(2):
                tracks = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
                publisher = await here.enter_async_context(Publisher(cluster.url, *tracks))
                places[place_of(publisher.location.removeprefix("/whip/"))] += 1
                async with events(cluster.url, publisher.events) as stream:
                    await stream.results(2)
                    assert (await publisher.ask("DELETE"))[0] == 200
                    while event := await stream.next():
                        last = event.message
                assert (last["type"], last["code"]) == ("notice", "ended")
                await _until(partial(_is_over, publisher), within_s=5)
        await _until(lambda: _is_serving(cluster, 0), within_s=10)
    assert set(places) == set(await cluster.sessions())


async def test_the_pages_and_facts_are_there(cluster: TestCluster) -> None:
    """What a page needs comes from the ingress or any replica; what is not there is said."""
    async with aiohttp.ClientSession(cluster.url) as http:
        for path in ("/", "/watch", "/static/main.js", "/config", "/openapi.json", "/readyz"):
            async with http.get(path) as response:
                assert response.status == 200, path
                assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        async with http.get("/sessions/nobody") as response:
            assert response.status == 404
            assert "No session has this name" in (await response.json())["error"]
        async with http.post("/analyze", data=b"") as response:
            assert response.status == 403
        async with http.delete("/whip/nowhere.nobody") as response:
            assert response.status == 404
        async with http.post("/offer", json={"sdp": "x", "type": "offer"}) as response:
            assert response.status == 400
        async with http.post(
            "/offer", json={"sdp": "x", "type": "offer"}, headers={"Origin": "https://example.org"}
        ) as response:
            assert response.status == 403


async def test_a_full_cluster_says_when_to_come_again(
    cluster: TestCluster, happy_clip: Clip
) -> None:
    """With three at each replica the seventh is refused; when one has left there is a place."""
    async with AsyncExitStack() as here:
        people = [
            await here.enter_async_context(Peer(cluster.url, SoundTrack(happy_clip.sound)))
            for _ in range(6)
        ]
        assert sorted((await cluster.sessions()).values()) == [3, 3]
        with pytest.raises(RefusedError, match="The server is full") as refused:
            async with Peer(cluster.url, SoundTrack(happy_clip.sound)):
                pass
        assert (refused.value.status, refused.value.retry_after_s) == (503, 10)
        await people[0].client.aclose()
        await _until(lambda: _is_serving(cluster, 5), within_s=10)
        async with Peer(cluster.url, SoundTrack(happy_clip.sound)) as late:
            await late.results(2)


@pytest.mark.parametrize(
    "failing",
    [
        pytest.param(("process", signal.SIGKILL), id="is-killed"),
        pytest.param(("serving", signal.SIGKILL), id="loses-its-process"),
        pytest.param(("serving", signal.SIGSTOP), id="hangs"),
    ],
)
async def test_a_replica_that_fails_is_replaced(
    cluster: TestCluster,
    happy_clip: Clip,
    tab: Tab,
    failing: tuple[str, signal.Signals],
    record: Record,
) -> None:
    """A page whose replica fails has another within 10 s; those elsewhere notice nothing."""
    async with AsyncExitStack() as here:
        await tab.start()
        await tab.results(4)
        (place,) = await _places(cluster)
        other = await _joined_elsewhere(cluster, happy_clip, here, place)
        replicas = await cluster.do("replicas")
        which, number = failing
        os.kill(replicas[place][which], number)
        record("results again after, s", await _is_served_again(tab))
        record("longest pause of others, s", await _noticed_nothing([other]))
        await _until(lambda: _are_gone(cluster, {place}), within_s=60)
        await _until(lambda: _has_replicas(cluster, 2), within_s=60)
        assert place not in await cluster.do("replicas")
        await tab.stop()


async def test_an_ingress_that_dies_takes_nobody_along(
    cluster: TestCluster, happy_clip: Clip, record: Record
) -> None:
    """With both killed, whoever is served notices nothing, and others soon come in and watch."""
    tracks = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
    async with _person(cluster, happy_clip) as person, Publisher(cluster.url, *tracks) as publisher:
        await person.results(4)
        killed = await cluster.do("ingresses")
        assert len(killed) == 2
        for process in killed:
            os.kill(process, signal.SIGKILL)
        began_at = time.monotonic()
        await _until(partial(_is_answered, cluster), within_s=30)
        async with _person(cluster, happy_clip) as late:
            await late.results(2)
        record("the next is served after, s", time.monotonic() - began_at)
        async with events(cluster.url, publisher.events) as stream:
            await stream.results(2)
        record("longest pause of who is served, s", await _noticed_nothing([person]))
        assert (await publisher.ask("DELETE"))[0] == 200


async def test_a_node_that_dies_is_done_without(
    cluster: TestCluster, happy_clip: Clip, tab: Tab, record: Record
) -> None:
    """A page whose node is killed is served again within 10 s; those elsewhere notice nothing."""
    (doomed,) = await cluster.do("nodes")
    replicas = await cluster.do("replicas")
    (place,) = [place for place, each in replicas.items() if each["node"] == doomed]
    async with AsyncExitStack() as here:
        people = [await _joined_elsewhere(cluster, happy_clip, here, place) for _ in range(2)]
        await tab.start()
        await tab.results(4)
        assert (await cluster.sessions())[place] == 1
        await cluster.do("kill_node")
        record("results again after, s", await _is_served_again(tab))
        record("longest pause of others, s", await _noticed_nothing(people))
        await tab.stop()
    await cluster.do("add_node", cpus=1)


async def test_the_command_deploys_to_a_cluster_that_runs(
    cluster: TestCluster, happy_clip: Clip, tmp_path: Path
) -> None:
    """It says where the page is and returns; people are served from then on, by its plan."""
    file = tmp_path / "serve.yaml"
    host, _, port = cluster.url.removeprefix("http://").rpartition(":")
    application = {
        "name": "emotions", "import_path": "rtc.cluster.application:build",
        "args": PLAN | {"sessions_per_replica": 2},
    }  # fmt: skip
    options = {"host": host, "port": int(port)}
    file.write_text(json.dumps({"http_options": options, "applications": [application]}))
    command = (sys.executable, "-m", "rtc.cluster", str(file), "--address")
    process = await asyncio.create_subprocess_exec(
        *command, await cluster.do("address"), cwd=_ROOT, stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(90):
        said, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert said.decode() == (
        f"Open {cluster.url}/ in a browser and click Start. 'serve shutdown -y' ends the cluster.\n"
    )
    await _until(lambda: _has_room(cluster, 4), within_s=60)
    async with _person(cluster, happy_clip) as person:
        await person.results(2)
    await cluster.do("deploy", **PLAN)


async def test_with_no_replica_left_it_is_said(
    cluster: TestCluster, happy_clip: Clip, record: Record
) -> None:
    """With all replicas killed offers get 503 and the reason, until there are new ones."""
    for each in (await cluster.do("replicas")).values():
        os.kill(each["process"], signal.SIGKILL)
    began_at = time.monotonic()
    await _until(lambda: _has_replicas(cluster, 0), within_s=10)
    with pytest.raises(RefusedError, match="No replica of this server is up") as refused:
        async with Peer(cluster.url, SoundTrack(happy_clip.sound)):
            pass
    assert (refused.value.status, refused.value.retry_after_s) == (503, 2)
    await _until(lambda: _has_replicas(cluster, 2), within_s=60)
    record("both replicas again after, s", time.monotonic() - began_at)
    async with Peer(cluster.url, SoundTrack(happy_clip.sound)) as late:
        await late.results(2)


async def test_who_takes_long_to_answer_is_waited_for(
    cluster: TestCluster, happy_clip: Clip, record: Record
) -> None:
    """A replica that asks a silent STUN server takes 5 s, more than the wait for a place."""
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        server = f"stun:127.0.0.1:{silent.getsockname()[1]}"
        await cluster.do("deploy", **PLAN | {"flags": [*PLAN["flags"], "--ice-server", server]})
        await _until(lambda: _has_settled(cluster, 2), within_s=60)
        began_at = time.monotonic()
        async with _person(cluster, happy_clip) as person:
            await person.results(2)
        record("first results after, s", time.monotonic() - began_at)
    await cluster.do("deploy", **PLAN)


async def test_a_controller_that_hangs_ends_nobody(
    cluster: TestCluster, happy_clip: Clip, record: Record
) -> None:
    """Ray Serve's controller says who is to go by asking no more; one that asks nobody says
    nothing, for longer than people may stay at a replica that is to go.
    """
    drain_s = 10
    await cluster.do("deploy", **PLAN | {"drain_s": drain_s})
    await _until(lambda: _has_settled(cluster, 2), within_s=60)
    async with _person(cluster, happy_clip) as person:
        await person.results(4)
        controller = await cluster.do("controller")
        os.kill(controller, signal.SIGSTOP)
        try:
            await person.results(2 * (drain_s + 6), timeout_s=drain_s + 20)
        finally:
            os.kill(controller, signal.SIGCONT)
        record("longest pause of who is served, s", await _noticed_nothing([person]))
    await cluster.do("deploy", **PLAN)


async def test_an_update_cuts_nobody_before_the_limit(
    cluster: TestCluster, happy_clip: Clip, record: Record
) -> None:
    """When another plan is carried out, replicas go one by one, each when its people have left, or
    have had their time; who comes meanwhile is served by a new one.
    """
    drain_s = 10
    await cluster.do("deploy", **PLAN | {"drain_s": drain_s})
    await _until(lambda: _has_settled(cluster, 2), within_s=60)
    await cluster.do("add_node", cpus=1)
    old = set(await cluster.sessions())
    async with AsyncExitStack() as here:
        people: list[tuple[Peer, str]] = []
        while {place for _, place in people} != old:  # an ingress learns late of a new replica
            people.append(await _joined(cluster, happy_clip, here))
        began_at = time.monotonic()
        await cluster.do("redeploy", **PLAN | {"drain_s": drain_s, "wait_s": 3})
        await _until(lambda: _has_new(cluster, old), within_s=30)
        late, place = await _joined(cluster, happy_clip, here)
        while place in old:  # nor of that it is up
            await late.client.aclose()
            late, place = await _joined(cluster, happy_clip, here)
        await late.results(2)
        for person, _ in people:
            while person.gone is None:
                await asyncio.sleep(0.1)
                assert time.monotonic() - began_at < 60
            record("cut after, s", time.monotonic() - began_at)
            assert time.monotonic() - began_at > drain_s
        await _until(lambda: _are_gone(cluster, old), within_s=30)
        await late.results(2)
    await cluster.do("remove_node")
    await cluster.do("deploy", **PLAN)


async def test_replicas_come_and_go_with_the_people(
    cluster: TestCluster, happy_clip: Clip, record: Record
) -> None:
    """From one to two as people come; back to one when most have left, and who is at the one that
    goes stays until they leave.
    """
    scaled = {"least_replicas": 1, "most_replicas": 2, "busy_share": 0.67, "idle_s": 3}
    await cluster.do("deploy", **PLAN | scaled)
    await _until(lambda: _has_settled(cluster, 1), within_s=60)
    async with AsyncExitStack() as here:
        people = [await _joined(cluster, happy_clip, here) for _ in range(3)]
        assert len({place for _, place in people}) == 1
        # They are counted where they are served: those through whom they came may die.
        for process in await cluster.do("ingresses"):
            os.kill(process, signal.SIGKILL)
        began_at = time.monotonic()
        await _until(partial(_is_answered, cluster), within_s=30)
        await _until(lambda: _has_replicas(cluster, 2), within_s=60)
        record("a second replica after, s", time.monotonic() - began_at)
        people.append(await _joined(cluster, happy_clip, here))
        assert len({place for _, place in people}) == 2
        # One stays at each: whichever goes has somebody to wait for.
        staying = [people[0][0], people[3][0]]
        for person, _ in people[1:3]:
            await person.client.aclose()
        await _until(lambda: _is_stopping(cluster), within_s=60)
        await _noticed_nothing(staying)
        await asyncio.gather(*(person.results(10) for person in staying))
        assert await _is_stopping(cluster)
        record("longest pause of who stays, s", await _noticed_nothing(staying))
    await _until(lambda: _has_replicas(cluster, 1), within_s=30)
    await cluster.do("deploy", **PLAN)


def _person(cluster: TestCluster, clip: Clip) -> Peer:
    return Peer(cluster.url, SoundTrack(clip.sound), PictureTrack(clip.pictures))


async def _joined(cluster: TestCluster, clip: Clip, here: AsyncExitStack) -> tuple[Peer, str]:
    """Have somebody more be served; return where that is, too."""
    before = Counter(await cluster.sessions())
    person = await here.enter_async_context(_person(cluster, clip))
    await person.results(1)
    (place,) = Counter(await cluster.sessions()) - before
    return person, place


async def _joined_elsewhere(
    cluster: TestCluster, clip: Clip, here: AsyncExitStack, place: str
) -> Peer:
    """Have somebody more be served, and not at ``place``; those who are, leave again."""
    before = sum((await cluster.sessions()).values())
    there: list[Peer] = []
    while True:
        person, at = await _joined(cluster, clip, here)
        if at != place:
            break
        there.append(person)
    for each in there:
        await each.client.aclose()
    await _until(lambda: _is_serving(cluster, before + 1), within_s=10)
    return person


async def _is_served_again(tab: Tab) -> float:
    """Wait for the page to have results of a new session; return how many seconds it took."""
    began_at, before = time.monotonic(), tab.offers
    while tab.offers == before:
        await asyncio.sleep(0.05)
        assert time.monotonic() - began_at < _BACK_WITHIN_S
    asked_s = time.monotonic() - began_at
    await tab.until_state("live", within_s=_BACK_WITHIN_S)
    await tab.results(1)
    took_s = time.monotonic() - began_at
    print(f"asked again after {asked_s:.1f} s, results again after {took_s:.1f} s")
    assert took_s < _BACK_WITHIN_S
    return took_s


async def _noticed_nothing(people: list[Peer]) -> float:
    """See that results have come to these all the time, and come; return the longest pause in s."""
    assert people
    pauses_s = []
    for person in people:
        await person.results(2)
        times_s = [message.time_ms / 1000 for message in person.messages]
        pauses_s.append(max(b - a for a, b in pairwise(times_s)))
        assert pauses_s[-1] < _MOST_PAUSE_S
        assert person.gone is None
    return max(pauses_s)


async def _places(cluster: TestCluster) -> list[str]:
    return [place for place, count in (await cluster.sessions()).items() if count]


async def _is_serving(cluster: TestCluster, count: int) -> bool:
    return sum((await cluster.sessions()).values()) == count


async def _has_new(cluster: TestCluster, old: set[str]) -> bool:
    return bool(set(await cluster.sessions()) - old)


async def _has_settled(cluster: TestCluster, count: int) -> bool:
    """Whether Ray Serve has done all that it was told, and has so many replicas."""
    return await cluster.do("states") == {"RUNNING": count} and await _has_replicas(cluster, count)


async def _is_over(publisher: Publisher) -> bool:
    return (await publisher.ask("DELETE"))[0] == 410


async def _is_stopping(cluster: TestCluster) -> bool:
    return "STOPPING" in await cluster.do("states")


async def _has_room(cluster: TestCluster, people: int) -> bool:
    return (await cluster.health())["max_sessions"] == people


async def _is_answered(cluster: TestCluster) -> bool:
    async with aiohttp.ClientSession() as http, http.get(f"{cluster.url}/readyz") as response:
        return response.status == 200


async def _are_gone(cluster: TestCluster, places: set[str]) -> bool:
    return not places & set(await cluster.sessions())


async def _has_replicas(cluster: TestCluster, count: int) -> bool:
    return len(await cluster.sessions()) == count


async def _is_whole(cluster: TestCluster) -> bool:
    return await cluster.health() == {
        "status": "ok", "replicas": 2, "sessions": 0, "max_sessions": 6,
    }  # fmt: skip


async def _until(holds: Callable[[], Awaitable[bool]], within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110  other processes set no event
            await asyncio.sleep(0.1)
