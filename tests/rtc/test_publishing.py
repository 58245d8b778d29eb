"""What becomes of that which a client publishes, at a real server: recordings, devices, tracks."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from rtc import device_opening, outgoing, sources
from rtc.client import Camera, EmotionClient, RefusedError, SourceError
from rtc.config import ServerConfig
from rtc.devices import Device
from rtc.doors import Doors
from rtc.messages import EmotionMessage
from rtc.playback import PlayedTrack
from rtc.sources import open_tracks
from tests.conftest import LiveServer, StartServer
from tests.eval.recordings import steady, write_recording
from tests.media import Clip, PictureTrack, SoundTrack
from tests.rtc.playing import is_open, playing_threads, silent_microphone
from tests.rtc.songs import write_song, write_talk, write_wave
from tests.waiting import until


@pytest.fixture
def talk(happy_clip: Clip, tmp_path: Path) -> Path:
    """A recording of 2.5 s with a face and a voice."""
    return write_talk(tmp_path / "talk.mp4", happy_clip, seconds=2.5)


async def _results_of(server: LiveServer, source: Path) -> list[EmotionMessage]:
    async with EmotionClient(server.url) as client:
        await client.publish(source)
        results = [result async for result in client.results()]
        assert client.gone is None
    return results


async def test_a_recording_is_played_to_its_last_result(server: LiveServer, talk: Path) -> None:
    """Results tell of voice and face, the last ones of the recording's last half second; then the
    client hangs up by itself.
    """
    results = await _results_of(server, talk)
    assert results[3].evidence == "both"
    heard_ms = [r.sound_time_ms for r in results if r.sound_time_ms is not None]
    seen_ms = [r.picture_time_ms for r in results if r.picture_time_ms is not None]
    assert heard_ms[-1] == pytest.approx(2500, abs=120)
    assert seen_ms[-1] == pytest.approx(2400, abs=160)
    await until(lambda: not server.registry.sessions)


async def test_a_recording_without_sound_is_a_face(
    server: LiveServer, happy_clip: Clip, tmp_path: Path
) -> None:
    """A silent film has the face's evidence, and ends as others do."""
    film = steady(happy_clip.pictures[0], 2.0)
    results = await _results_of(server, write_recording(tmp_path / "a.webm", film))
    assert results[-1].evidence == "face"


async def test_a_wave_of_another_rate_is_a_voice(
    server: LiveServer, happy_clip: Clip, tmp_path: Path
) -> None:
    """Speech at 24 kHz has the voice's evidence."""
    path = write_wave(tmp_path / "a.wav", happy_clip.sound[: 2 * 48_000 : 2], 24_000)
    results = await _results_of(server, path)
    assert results[-1].evidence == "voice"


async def test_the_cover_of_a_song_is_nobodys_face(
    server: LiveServer, happy_clip: Clip, tmp_path: Path
) -> None:
    """A face that is printed on a recording of a voice is no evidence."""
    sound = happy_clip.sound[: 2 * 48_000]
    results = await _results_of(
        server, write_song(tmp_path / "a.mp3", sound, happy_clip.pictures[0])
    )
    assert {result.face for result in results} == {None}
    assert results[-1].evidence == "voice"


async def test_a_camera_is_sent_until_the_client_leaves(
    server: LiveServer, talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes through FFmpeg's doors for devices is looked at and listened to; nothing of it
    stays open.
    """
    shown = Device(f"movie={talk}:loop=0,setpts=N/(15*TB),realtime", "lavfi")
    said = Device(f"amovie={talk}:loop=0,asetpts=N/SR/TB,arealtime", "lavfi")
    monkeypatch.setattr(sources, "cameras", lambda _: [shown])
    monkeypatch.setattr(sources, "microphones", lambda _: [said])
    async with EmotionClient(server.url) as client:
        await client.publish(Camera())
        async for result in client.results():
            if result.sequence == 6:
                break
        assert result.evidence == "both"
    await until(lambda: not playing_threads())


async def test_leaving_midway_leaves_nothing_open(server: LiveServer, talk: Path) -> None:
    """Who leaves in the middle of a recording has neither its file nor a thread afterwards."""
    async with EmotionClient(server.url) as client:
        await client.publish(talk)
        async for _ in client.results():
            assert playing_threads()
            break
    await until(lambda: not playing_threads())
    assert not is_open(talk)
    assert {task.get_name() for task in asyncio.all_tasks()} & {"hang up when over"} == set()


async def test_what_is_opened_for_nobody_is_stopped(
    talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where publishing is cancelled while a recording is opened, it is let go once it is open."""
    opened: list[PlayedTrack] = []
    wanted, may_go_on = threading.Event(), threading.Event()

    def open_slowly(*arguments: Any) -> list[PlayedTrack]:
        wanted.set()
        may_go_on.wait()
        opened.extend(open_tracks(*arguments))
        return opened

    monkeypatch.setattr(outgoing, "open_tracks", open_slowly)
    async with EmotionClient("http://127.0.0.1:9") as client:
        publishing = asyncio.create_task(client.publish(talk), name="publishing")
        await until(wanted.is_set)
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing
        may_go_on.set()
        await until(lambda: [track.readyState for track in opened] == ["ended", "ended"])


async def test_a_device_is_waited_for_no_longer_than_the_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where publishing is cancelled while a device gives nothing, nobody waits on for it."""
    monkeypatch.setattr(device_opening, "_PATIENCE_S", 60.0)
    with silent_microphone(tmp_path, monkeypatch) as silent:
        async with EmotionClient("http://127.0.0.1:9") as client:
            devices = Camera(None, "silent")
            publishing = asyncio.create_task(client.publish(devices), name="publishing")
            await until(lambda: silent.is_open_in(os.getpid()))
            publishing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await publishing
        async with asyncio.timeout(10):
            await asyncio.get_running_loop().shutdown_default_executor()


async def test_tracks_that_were_given_may_end_without_ending_the_client(
    server: LiveServer, happy_clip: Clip
) -> None:
    """Who gives tracks says when it is over: results go on behind the end of theirs."""
    track = SoundTrack(happy_clip.sound)
    async with EmotionClient(server.url) as client:
        await client.publish(track)
        async for result in client.results():
            if result.sequence == 1:
                track.stop()
            if result.sequence == 5:
                break
        assert (result.sequence, client.gone) == (5, None)


async def test_a_failed_publication_hangs_up(
    start_server: StartServer, happy_clip: Clip, talk: Path
) -> None:
    """Refused, without a source, or with two of a kind, the client is closed, and has stopped what
    it was given and what it opened.
    """
    server = await start_server(ServerConfig(doors=Doors(token="known-to-few")))
    for expected, others in (
        (RefusedError, ()),
        (SourceError, ("missing.mp4",)),
        (ValueError, (talk,)),
    ):
        track, client = SoundTrack(happy_clip.sound), EmotionClient(server.url)
        with pytest.raises(expected):
            await client.publish(track, *others)
        assert client.connection.connectionState == "closed"
        assert track.readyState == "ended"
    await until(lambda: not playing_threads())


async def test_a_second_publication_is_an_error_that_ends_nothing(
    server: LiveServer, happy_clip: Clip
) -> None:
    """Whoever publishes twice is told to do it once, and the first goes on."""
    async with EmotionClient(server.url) as client:
        await client.publish(SoundTrack(happy_clip.sound))
        with pytest.raises(RuntimeError, match="all sources in one call"):
            await client.publish(PictureTrack(happy_clip.pictures))
        assert await anext(client.results())
