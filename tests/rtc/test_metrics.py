"""``/metrics``: what an operator watches, of real sessions and of the event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from functools import partial

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from models.engine import InferenceEngine
from models.face.predictor import FaceReading, Look
from models.loading import LoadedModels
from rtc.counts import Counts
from rtc.metrics import Sources, add_metrics
from rtc.reasons import REASONS
from tests.conftest import LiveServer, StartServer
from tests.media import Clip, PictureTrack, SoundTrack
from tests.peers import Peer

COUNTERS = ("pictures", "results", "dropped", "skipped")
LAG = "emotion_loop_lag_seconds"


async def scraped(url: str) -> dict[str, float]:
    """Read the figures as Prometheus would: values by name and labels, such as bounds."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as response:
        assert response.status == 200
        text = await response.text()
    return {
        sample.name + "".join(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def counters(figures: dict[str, float]) -> Counts:
    """Return the counters among the figures."""
    return Counts(**{name: int(figures[f"emotion_{name}_total"]) for name in COUNTERS})


async def gone(server: LiveServer) -> None:
    """Wait until the last session has ended."""
    async with asyncio.timeout(5):
        while server.registry.sessions:  # noqa: ASYNC110  what is waited for sets no event
            await asyncio.sleep(0.02)


async def test_it_begins_with_zeros(server: LiveServer) -> None:
    """Before anybody came every counter is there, so that its first rise is seen as one."""
    figures = await scraped(server.url)
    assert counters(figures) == Counts()
    assert figures["emotion_sessions"] == 0


async def test_counters_rise_with_sessions_and_never_fall(
    server: LiveServer, happy_clip: Clip
) -> None:
    """They count while a session lives, stay when it ends, and go on from there with the next."""
    track = PictureTrack(happy_clip.pictures)
    async with Peer(server.url, SoundTrack(happy_clip.sound), track) as peer:
        await peer.results(2)
        first = counters(await scraped(server.url))
        messages = await peer.results(2)
        (session,) = server.registry.sessions.values()
        figures = await scraped(server.url)
        second = counters(figures)
        assert figures["emotion_sessions"] == 1
        assert 0 < first.pictures < second.pictures <= track.sent
        assert 2 <= first.results < second.results
        assert second.results >= messages[-1].sequence + 1
    await gone(server)
    figures = await scraped(server.url)
    assert figures["emotion_sessions"] == 0
    assert counters(figures) == session.counts
    assert session.counts.pictures >= second.pictures
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        await peer.results(1)
        third = counters(await scraped(server.url))
    assert third.results > session.counts.results
    assert third.pictures == session.counts.pictures


async def test_people_are_counted_together(server: LiveServer, happy_clip: Clip) -> None:
    """With two people live the gauge says two, and the counters are the sums of theirs."""
    one = Peer(server.url, SoundTrack(happy_clip.sound))
    other = Peer(server.url, PictureTrack(happy_clip.pictures))
    async with one, other:
        await asyncio.gather(one.results(2), other.results(2))
        sessions = list(server.registry.sessions.values())
        assert (await scraped(server.url))["emotion_sessions"] == 2
    await gone(server)
    a, b = (session.counts for session in sessions)
    assert min(a.results, b.results) >= 2
    assert counters(await scraped(server.url)) == a + b


class _StuckFace:
    """A network that does not answer until it is let, as on a machine that hangs."""

    def __init__(self) -> None:
        self.let = threading.Event()

    def predict(self, batch: Sequence[Look]) -> list[FaceReading | None]:
        self.let.wait(20)
        return [None] * len(batch)


async def test_skipped_requests_are_counted(
    start_server: StartServer, models: LoadedModels, happy_clip: Clip
) -> None:
    """While the networks do not answer, the counter tells of each request not made."""
    face = _StuckFace()
    engine = InferenceEngine(models.voice, face)
    try:
        server = await start_server(other_engine=engine)
        async with Peer(server.url, PictureTrack(happy_clip.pictures)) as peer:
            await peer.results(3)
            before = counters(await scraped(server.url)).skipped
            await peer.results(3)
            assert counters(await scraped(server.url)).skipped > before
            face.let.set()
    finally:
        face.let.set()
        await asyncio.to_thread(engine.close)


async def test_tasks_are_counted(server: LiveServer) -> None:
    """The gauge rises with each task of the process's loop, and falls when it ends."""
    before = (await scraped(server.url))["emotion_tasks"]
    tasks = [asyncio.create_task(asyncio.sleep(60)) for _ in range(3)]
    assert (await scraped(server.url))["emotion_tasks"] == before + 3
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert (await scraped(server.url))["emotion_tasks"] == before


async def test_a_loop_that_stands_still_is_seen(server: LiveServer) -> None:
    """The loop is looked at many times a second, and a stop of 0.6 s is in no bucket below 0.5."""
    await asyncio.sleep(0.3)
    before = await scraped(server.url)
    assert before[f"{LAG}_count"] >= 2
    assert before[f"{LAG}_bucket+Inf"] == before[f"{LAG}_count"]
    time.sleep(0.6)  # noqa: ASYNC251  it is the stop that is to be seen
    after = await scraped(server.url)
    slow = [figures[f"{LAG}_count"] - figures[f"{LAG}_bucket0.5"] for figures in (before, after)]
    assert slow[1] == slow[0] + 1
    assert after[f"{LAG}_sum"] - before[f"{LAG}_sum"] >= 0.5


async def test_it_is_text_for_prometheus_that_nobody_keeps(server: LiveServer) -> None:
    """Its type names Prometheus's format and version, and no cache may answer in its place."""
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/metrics") as response:
        headers = response.headers
        lines = (await response.text()).splitlines()
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    for name in COUNTERS:
        assert f"# TYPE emotion_{name}_total counter" in lines
        assert any(line.startswith(f"# HELP emotion_{name}_total ") for line in lines)
    assert "# TYPE emotion_sessions gauge" in lines
    assert f"# TYPE {LAG} histogram" in lines


async def test_it_carries_the_security_headers(server: LiveServer) -> None:
    """Like every other answer, it says what may be done with it."""
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/metrics") as response:
        headers = response.headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert headers["Permissions-Policy"] == "camera=(self), microphone=(self)"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_refusals_are_counted_by_their_reason(server: LiveServer) -> None:
    """Every reason is there from the start; each refusal raises its own and no other."""
    before = await scraped(server.url)
    async with aiohttp.ClientSession() as http:
        for _ in range(2):
            await http.post(f"{server.url}/offer", json={"type": "offer"})
        await http.get(f"{server.url}/nowhere")
    after = await scraped(server.url)
    rises = {
        name.removeprefix("emotion_refusals_total"): after[name] - before[name]
        for name in before
        if name.startswith("emotion_refusals_total")
    }
    assert set(rises) == set(REASONS)
    assert {name: rise for name, rise in rises.items() if rise} == {"malformed": 2, "not_found": 1}


async def test_inference_is_timed_and_faults_are_counted(
    start_server: StartServer, models: LoadedModels, happy_clip: Clip
) -> None:
    """Each face result is in the histogram with a time that can be; a network that fails counts
    once as a fault of the session.
    """

    class Failing:
        def predict(self, batch: Sequence[object]) -> list[object]:
            raise RuntimeError(f"cannot compute {len(batch)} windows")

    engine = InferenceEngine(Failing(), models.face)
    try:
        server = await start_server(other_engine=engine)
        tracks = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
        async with Peer(server.url, *tracks) as peer:
            await peer.results(5)
            figures = await scraped(server.url)
    finally:
        engine.close()
    assert figures["emotion_inference_seconds_countface"] >= 3
    mean_s = (
        figures["emotion_inference_seconds_sumface"]
        / figures["emotion_inference_seconds_countface"]
    )
    assert 0.0005 < mean_s < 1
    assert figures["emotion_faults_totalvoice-failed"] == 1
    assert figures["emotion_faults_totalface-failed"] == 0


async def test_figures_are_read_and_not_written(server: LiveServer) -> None:
    """POST gets 405 and the method that is taken."""
    async with aiohttp.ClientSession() as http, http.post(f"{server.url}/metrics") as response:
        assert response.status == 405
        assert "GET" in response.headers["Allow"]


async def test_two_applications_have_figures_of_their_own(engine: InferenceEngine) -> None:
    """Nothing is registered for the whole process: each shows its own counts."""
    clients = []
    for pictures in (3, 5):
        app = web.Application()
        add_metrics(app, Sources(partial(Counts, pictures=pictures), lambda: 0, {}, engine))
        clients.append(TestClient(TestServer(app)))
    async with clients[0] as one, clients[1] as other:
        figures = [await scraped(str(each.make_url("")).rstrip("/")) for each in (one, other)]
    assert [counters(each).pictures for each in figures] == [3, 5]


async def test_the_watch_ends_with_the_application(engine: InferenceEngine) -> None:
    """One task looks at the loop while the application runs, and none is left behind."""

    def watching() -> int:
        return sum(task.get_name() == "event loop lag" for task in asyncio.all_tasks())

    app = web.Application()
    add_metrics(app, Sources(Counts, lambda: 0, {}, engine))
    async with TestClient(TestServer(app)):
        assert watching() == 1
    assert watching() == 0
