"""Real peers change their settings over the data channel of a real server."""

from __future__ import annotations

import asyncio
import json

import pytest

from models.fusion import FusionConfig
from models.smoothing import SmoothingConfig
from models.tracker import TrackerConfig
from rtc.config import ServerConfig, SessionConfig
from tests.conftest import LiveServer, StartServer
from tests.media import Clip, PictureTrack, SoundTrack
from tests.peers import Peer

AS_SHIPPED = {
    "version": 1,
    "type": "settings",
    "id": 1,
    "w_voice": 0.6,
    "voice_smooth_k": 5,
    "face_smooth_k": 10,
    "most": {"voice_smooth_k": 8, "face_smooth_k": 12},
}


async def test_the_weight_is_moved_while_live(server: LiveServer, happy_clip: Clip) -> None:
    """With the voice's weight at 1 the next message's fused is the voice; at 0, the face."""
    tracks = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
    async with Peer(server.url, *tracks) as peer:
        before = (await peer.results(4))[-1]
        assert before.evidence == "both"
        reply = await peer.ask(w_voice=1)
        assert reply == AS_SHIPPED | {"w_voice": 1}
        (voice_only,) = await peer.results(1)
        assert voice_only.fused.probabilities == voice_only.voice.probabilities
        assert voice_only.fused.probabilities != voice_only.face.probabilities
        reply = await peer.ask(w_voice=0, voice_smooth_k=3, face_smooth_k=6)
        assert reply == AS_SHIPPED | {
            "id": 2, "w_voice": 0, "voice_smooth_k": 3, "face_smooth_k": 6
        }  # fmt: skip
        (face_only,) = await peer.results(1)
        assert face_only.fused.probabilities == face_only.face.probabilities
        assert face_only.fused.probabilities != face_only.voice.probabilities


async def test_the_servers_own_settings_are_the_start(
    start_server: StartServer, happy_clip: Clip
) -> None:
    """A question is answered with what the server was started with, however far from usual."""
    tracker = TrackerConfig(
        voice=SmoothingConfig(length=20, memory_s=4.0, hold_s=2.5),
        face=SmoothingConfig(length=2, memory_s=6.0, hold_s=1.2),
        fusion=FusionConfig(0.1, "log"),
    )
    server = await start_server(ServerConfig(session=SessionConfig(tracker=tracker)))
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        assert await peer.ask() == {
            "version": 1,
            "type": "settings",
            "id": 1,
            "w_voice": 0.1,
            "voice_smooth_k": 20,
            "face_smooth_k": 2,
            "most": {"voice_smooth_k": 20, "face_smooth_k": 12},
        }


async def test_a_change_is_of_one_session(server: LiveServer, happy_clip: Clip) -> None:
    """Neither who is live at the same time nor who comes after has another's settings."""
    one = Peer(server.url, SoundTrack(happy_clip.sound))
    other = Peer(server.url, SoundTrack(happy_clip.sound))
    async with one, other:
        await asyncio.gather(one.results(1), other.results(1))
        changed = await one.ask(w_voice=0, voice_smooth_k=1, face_smooth_k=1)
        assert (changed["w_voice"], changed["voice_smooth_k"], changed["face_smooth_k"]) == (
            0,
            1,
            1,
        )
        assert await other.ask() == AS_SHIPPED
        async with Peer(server.url, SoundTrack(happy_clip.sound)) as later:
            assert await later.ask() == AS_SHIPPED
        assert await one.ask() == changed | {"id": 2}


async def test_nonsense_is_refused_and_outlived(server: LiveServer, happy_clip: Clip) -> None:
    """Each kind gets its reason, nothing changes, and emotions keep coming without a gap."""
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        await peer.results(1)
        for sent, id_, reason in (
            (b"\x00\xff", None, "not binary"),
            (b"", None, "not binary"),
            ("", None, "not JSON"),
            ("much", None, "not JSON"),
            ("[" * 4000, None, "not JSON"),
            ("x" * 5000, None, "at most 4096 bytes"),
            ("[1]", None, "not a list"),
            (_request(version=2), 9, "version must be 1, not 2"),
            (_request(type="emotion"), 9, 'type must be "settings"'),
            (_request(id=-1), None, "id must be an integer"),
            (_request(volume=11), 9, 'no setting "volume"'),
            (_request(w_voice="much"), 9, 'w_voice must be a number between 0 and 1, not "much"'),
            (_request(w_voice=float("nan")), 9, "not NaN"),
            (_request(w_voice=0.1, voice_smooth_k=9), 9, "between 1 and 8, not 9"),
            (_request(w_voice=0.1, face_smooth_k=True), 9, "between 1 and 12, not true"),
        ):
            reply = await peer.reply_to(sent)
            assert (reply["version"], reply["type"], reply["id"]) == (1, "refusal", id_)
            assert reason in reply["reason"]
        assert await peer.ask() == AS_SHIPPED
        await peer.results(2)
        numbers = [message.sequence for message in peer.messages]
        assert numbers == list(range(len(numbers)))


def _request(**fields: object) -> str:
    return json.dumps({"version": 1, "type": "settings", "id": 9, **fields})


async def test_a_message_that_comes_twice_is_answered_twice(
    server: LiveServer, happy_clip: Clip
) -> None:
    """Whoever got no answer sends again; what is in force is then as after the first time."""
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        first = await peer.reply_to(_request(w_voice=0.4, voice_smooth_k=3))
        assert await peer.reply_to(_request(w_voice=0.4, voice_smooth_k=3)) == first
        assert (first["id"], first["w_voice"], first["voice_smooth_k"]) == (9, 0.4, 3)


async def test_a_failure_to_answer_does_not_end_the_session(
    server: LiveServer,
    happy_clip: Clip,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A defect of ours in answering is logged, and emotions and later answers still come."""
    async with Peer(server.url, SoundTrack(happy_clip.sound)) as peer:
        await peer.results(1)
        (session,) = server.registry.sessions.values()
        with monkeypatch.context() as broken:
            broken.setattr(session._observer, "answer", lambda received: received.no_such_thing)
            peer.client.channel.send(_request())
            await peer.results(2)
        assert "a message could not be answered" in caplog.text
        assert await peer.ask() == AS_SHIPPED
