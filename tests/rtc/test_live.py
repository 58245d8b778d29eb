"""Real peers, real media, real networks: what comes back over the data channel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from models.engine import InferenceEngine
from models.face.predictor import FacePredictor, FaceReading, Look
from models.loading import LoadedModels
from rtc.client import RefusedError
from rtc.config import ServerConfig
from rtc.messages import EmotionMessage
from tests.conftest import LiveServer, StartServer
from tests.media import (
    HAPPY,
    NO_FACE,
    NO_RECORDINGS,
    SILENT,
    Clip,
    PictureTrack,
    SoundTrack,
    load_clip,
    silence,
)
from tests.peers import Peer


async def test_voice_face_and_fused_arrive_at_two_hertz(
    server: LiveServer, happy_clip: Clip
) -> None:
    """A peer with sound and pictures gets all three, numbered, twice a second."""
    tracks = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
    async with Peer(server.url, *tracks) as peer:
        messages = await peer.results(8)
    newest = messages[-1]
    assert newest.evidence == "both"
    assert newest.face is not None
    assert 0 < newest.face.box.x < newest.face.box.x + newest.face.box.width < 1
    assert newest.top5[0].label == newest.fused.label
    assert len(newest.top5) == 5
    assert newest.audio_level > 0.003
    assert newest.latency_ms is not None
    numbers = [message.sequence for message in messages]
    assert numbers == list(range(numbers[0], numbers[0] + 8))
    elapsed_s = (messages[-1].time_ms - messages[0].time_ms) / 1000
    assert 3.0 < elapsed_s < 4.5


def _mean(messages: list[EmotionMessage], emotion: str) -> float:
    return sum(m.fused.probabilities[emotion] for m in messages) / len(messages)


@pytest.mark.skipif(not HAPPY.exists(), reason=NO_RECORDINGS)
async def test_two_people_at_once_do_not_see_each_other(
    server: LiveServer, happy_clip: Clip, angry_clip: Clip
) -> None:
    """With a happy woman and an angry man live at once, each gets what they themselves express."""
    woman = Peer(server.url, SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures))
    man = Peer(server.url, SoundTrack(angry_clip.sound), PictureTrack(angry_clip.pictures))
    async with woman, man:
        hers, his = await asyncio.gather(woman.results(16), man.results(16))
    assert _mean(hers[4:], "happy") > _mean(his[4:], "happy") + 0.08
    assert _mean(his[4:], "angry") > _mean(hers[4:], "angry") + 0.08
    faces_found = [m.face is not None for m in hers[2:] + his[2:]]
    assert sum(faces_found) >= 0.9 * len(faces_found)


@pytest.mark.skipif(not SILENT.exists(), reason=NO_RECORDINGS)
async def test_silence_leaves_the_face_alone(server: LiveServer) -> None:
    """A silent clip with a face has no voice evidence, and fused is the face."""
    clip = load_clip(SILENT)
    async with Peer(server.url, SoundTrack(clip.sound), PictureTrack(clip.pictures)) as peer:
        messages = (await peer.results(8))[3:]
    assert [m.voice for m in messages] == [None] * 5
    assert [m.evidence for m in messages] == ["face"] * 5
    assert messages[-1].fused.probabilities == messages[-1].face.probabilities


@pytest.mark.skipif(not NO_FACE.exists(), reason=NO_RECORDINGS)
async def test_no_face_is_no_evidence(server: LiveServer) -> None:
    """A clip without a face gives face null in every message, never a guess."""
    clip = load_clip(NO_FACE)
    async with Peer(server.url, SoundTrack(clip.sound), PictureTrack(clip.pictures)) as peer:
        messages = await peer.results(8)
    assert [m.face for m in messages] == [None] * 8
    assert sum(m.latency_ms is not None for m in messages) >= 6  # pictures were looked at


async def test_neither_voice_nor_face_says_so(server: LiveServer, happy_clip: Clip) -> None:
    """Silence and grey pictures give fused null, an empty top 5 and the word "none"."""
    grey = happy_clip.pictures[:1] * 0 + 128
    async with Peer(server.url, SoundTrack(silence()), PictureTrack(grey)) as peer:
        messages = await peer.results(4)
    assert {(m.evidence, m.fused, m.top5) for m in messages} == {("none", None, ())}
    assert any(m.latency_ms is not None for m in messages)  # pictures were looked at


async def test_sound_alone_works(server: LiveServer, happy_clip: Clip) -> None:
    """Without a camera the voice stands alone."""
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        message = (await peer.results(6))[-1]
    assert message.evidence == "voice"
    assert message.fused.probabilities == message.voice.probabilities
    assert message.latency_ms is not None


async def test_pictures_alone_work(server: LiveServer, happy_clip: Clip) -> None:
    """Without a microphone the face stands alone."""
    async with Peer(server.url, PictureTrack(happy_clip.pictures)) as peer:
        message = (await peer.results(4))[-1]
    assert message.evidence == "face"
    assert message.audio_level == 0


async def test_a_full_server_refuses_the_next(start_server: StartServer, happy_clip: Clip) -> None:
    """With every place taken an offer gets 503 and Retry-After, and the one inside goes on."""
    server = await start_server(ServerConfig(max_sessions=1))
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as first:
        with pytest.raises(RefusedError, match="server is full") as refusal:
            await Peer(server.url, SoundTrack(happy_clip.sound)).__aenter__()
        assert refusal.value.status == 503
        assert refusal.value.retry_after_s == 10
        assert await first.results(2)


class _SlowFace:
    """The real predictor, made slower than the tick, as an overloaded machine would be."""

    def __init__(self, face: FacePredictor) -> None:
        self._face = face
        self.batches: list[int] = []

    def predict(self, batch: Sequence[Look]) -> list[FaceReading | None]:
        self.batches.append(len(batch))
        time.sleep(1.2)
        return self._face.predict(batch)


async def test_overload_drops_pictures_and_queues_nothing(
    start_server: StartServer, models: LoadedModels, happy_clip: Clip
) -> None:
    """With inference slower than the tick, messages keep coming, requests never pile up, and
    the picture used is the newest of when its request was made, however long the session lives.
    Nobody more is served.
    """
    slow = _SlowFace(models.face)
    engine = InferenceEngine(models.voice, slow)
    try:
        server = await start_server(other_engine=engine)
        async with Peer(server.url, PictureTrack(happy_clip.pictures)) as peer:
            messages = await peer.results(16, timeout_s=20)
            (session,) = server.registry.sessions.values()
            assert session.counts.skipped > 4
            with pytest.raises(RefusedError, match="server is full"):  # it would get worse
                await Peer(server.url, SoundTrack(happy_clip.sound)).__aenter__()
        latencies_ms = [m.latency_ms for m in messages if m.latency_ms is not None]
        assert max(slow.batches) == 1
        assert len(latencies_ms) >= 4
        assert max(latencies_ms) < 2500
    finally:
        await asyncio.to_thread(engine.close)


async def test_one_persons_evidence_is_not_the_others(server: LiveServer, happy_clip: Clip) -> None:
    """A silent face and a voice in the dark, live at once, get a face and a voice, and no more."""
    seen = Peer(server.url, SoundTrack(silence()), PictureTrack(happy_clip.pictures))
    dark = happy_clip.pictures[:1] * 0 + 128
    heard = Peer(server.url, SoundTrack(happy_clip.sound), PictureTrack(dark))
    async with seen, heard:
        of_seen, of_heard = await asyncio.gather(seen.results(8), heard.results(8))
    assert {m.evidence for m in of_seen[3:]} == {"face"}
    assert {m.evidence for m in of_heard[3:]} == {"voice"}
