"""How sessions end, and that nothing of them stays."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import psutil
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from models.emotions import Scores
from models.engine import InferenceEngine
from models.loading import LoadedModels
from rtc.config import ServerConfig, SessionConfig
from tests.conftest import LiveServer, StartServer
from tests.media import Clip, PictureTrack, SoundTrack
from tests.peers import Peer
from tests.waiting import until


async def test_closing_the_peer_ends_its_session_at_once(
    server: LiveServer, happy_clip: Clip
) -> None:
    """When the page closes its connection the server has freed the session within a second."""
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        await peer.results(1)
        assert len(server.registry.sessions) == 1
    await until(lambda: not server.registry.sessions, within_s=1.0)


async def test_a_session_without_media_is_ended(
    start_server: StartServer, happy_clip: Clip
) -> None:
    """When no sound and no picture comes for the set time the server hangs up."""
    config = ServerConfig(session=SessionConfig(media_timeout_s=1.0))
    server = await start_server(config)
    track = SoundTrack(happy_clip.sound)
    async with Peer(server.url, track) as peer:
        await peer.results(1)
        track.stop()
        await until(lambda: not server.registry.sessions)
        await until(lambda: peer.state in {"closed", "failed"})


async def test_a_peer_that_never_connects_is_forgotten(
    start_server: StartServer, happy_clip: Clip
) -> None:
    """An offer whose sender vanishes after the answer holds its place for a short while only."""
    server = await start_server(ServerConfig(session=SessionConfig(connect_timeout_s=1.0)))
    peer = Peer(server.url, SoundTrack(happy_clip.sound))
    peer.client.connection.setRemoteDescription = lambda _: asyncio.sleep(0)
    async with peer:
        assert len(server.registry.sessions) == 1
        await until(lambda: not server.registry.sessions)


async def test_an_offer_whose_sender_left_holds_no_place(
    server: LiveServer, happy_clip: Clip
) -> None:
    """Whoever hangs up before the answer is forgotten at once."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTrack(SoundTrack(happy_clip.sound))
    await peer.setLocalDescription(await peer.createOffer())
    body = json.dumps({"sdp": peer.localDescription.sdp, "type": "offer"}).encode()
    host, port = server.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /offer HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.3)
    await until(lambda: not server.registry.sessions, within_s=1.0)
    await peer.close()


async def test_fifty_cycles_leave_nothing_behind(server: LiveServer, happy_clip: Clip) -> None:
    """Tasks, threads and file descriptors are as many after 50 sessions as after the first."""

    async def cycle() -> None:
        tracks = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures[:1])
        async with Peer(server.url, *tracks) as peer:
            await peer.results(1)
        await until(lambda: not server.registry.sessions)

    def held() -> tuple[int, int, int]:
        gc.collect()
        # The clients' encoders use the loop's own pool, whose few threads stay for the next.
        threads = [t for t in threading.enumerate() if not t.name.startswith("asyncio_")]
        descriptors = psutil.Process().num_fds()
        return len(asyncio.all_tasks()), len(threads), descriptors

    await cycle()
    await asyncio.sleep(0.2)
    before = held()
    for _ in range(10):
        await asyncio.gather(*(cycle() for _ in range(5)))
    await until(lambda: all(now <= then for now, then in zip(held(), before, strict=True)))


async def test_a_peer_that_takes_no_message_so_long_stays(
    server: LiveServer, happy_clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who offers to take ten bytes at most gets none of ours; they count as dropped."""
    monkeypatch.setattr("aiortc.rtcsctptransport.LOCAL_MAX_MESSAGE_SIZE", 10)
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        (session,) = server.registry.sessions.values()
        await until(lambda: session.counts.dropped >= 2)
        assert list(server.registry.sessions.values()) == [session]
        assert peer.messages == []


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        ({"max_duration_s": 1.5}, "it has lasted 1.5 s"),
        ({"max_packets_per_s": 5}, "more than 5 packets a second"),
    ],
)
async def test_who_may_not_stay_is_told_before_the_end(
    start_server: StartServer, happy_clip: Clip, limit: dict[str, float], why: str
) -> None:
    """A session that lasts too long or sends too much is ended, and its peer is told that coming
    back is vain.
    """
    server = await start_server(ServerConfig(session=SessionConfig(**limit)))
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        await until(lambda: bool(peer.replies))
        await until(lambda: not server.registry.sessions)
    (notice,) = peer.replies
    assert (notice["type"], notice["code"]) == ("notice", "over")
    assert why in notice["text"]


async def test_a_flood_of_messages_ends_the_session(server: LiveServer, happy_clip: Clip) -> None:
    """The twenty-first message of a second is answered by a notice, those behind it by nothing, and
    the two hundred and first by the end.
    """
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        await peer.results(1)
        for _ in range(400):
            peer.client.channel.send("x")
        await until(lambda: not server.registry.sessions)
        await until(lambda: peer.replies[-1].get("code") == "over")
    codes = Counter(reply.get("code", reply["type"]) for reply in peer.replies)
    assert codes["refusal"] <= 40  # of two seconds at most
    assert 1 <= codes["too-many-messages"] <= 2


class _FailingVoice:
    """A real predictor's place taken by one that raises, as a broken network would."""

    def predict(self, batch: Sequence[npt.NDArray[np.float32]]) -> list[Scores]:
        raise RuntimeError(f"cannot compute {len(batch)} windows")


async def test_a_session_outlives_a_predictor_that_raises(
    start_server: StartServer,
    models: LoadedModels,
    happy_clip: Clip,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """When the voice network raises, the face goes on, the peer is told, and the log says it once,
    with the session that it was.
    """
    engine = InferenceEngine(_FailingVoice(), models.face)
    try:
        server = await start_server(other_engine=engine)
        tracks = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
        async with Peer(server.url, *tracks) as peer:
            message = (await peer.results(6))[-1]
            (session_id,) = server.registry.sessions
        assert (message.voice, message.evidence) == (None, "face")
        notices = [reply for reply in peer.replies if reply["type"] == "notice"]
        assert [notice["code"] for notice in notices] == ["voice-failed"]
        assert caplog.text.count("the voice predictor failed") == 1
        assert f"session {session_id}: the voice predictor failed" in caplog.text
    finally:
        engine.close()
