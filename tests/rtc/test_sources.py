"""What a client plays: recordings of all kinds, in real time, and devices by FFmpeg's doors."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from rtc.sources import SourceError, open_tracks
from tests.eval.recordings import Pictures, Sound, grey, steady, write_recording
from tests.rtc.playing import is_open, pitch_hz, played, playing_threads, samples
from tests.rtc.songs import tone, write_broadcast, write_song, write_wave
from tests.waiting import until


async def test_sound_of_any_rate_is_sent_as_opus_wants_it(tmp_path: Path) -> None:
    """Of a wave at 22.05 kHz, mono, come packets of 20 ms at 48 kHz with the same pitch."""
    (track,) = open_tracks(write_wave(tmp_path / "a.wav", tone(1.0, 22_050), 22_050))
    frames = await played(track)
    assert track.kind == "audio"
    assert {(f.sample_rate, f.format.name, f.samples) for f in frames[:-1]} == {
        (48_000, "s16", 960)
    }
    assert [frame.pts for frame in frames] == [960 * number for number in range(len(frames))]
    assert len(samples(frames)) == pytest.approx(48_000, abs=960)
    assert pitch_hz(samples(frames)) == pytest.approx(440, abs=2)


async def test_a_recording_takes_as_long_as_it_lasts(tmp_path: Path) -> None:
    """Sound and pictures of 1.5 s are played side by side, in a second and a half."""
    path = tmp_path / "a.mp4"
    write_recording(path, steady(grey(), 1.5), Sound(tone(1.5, 48_000)))
    sound, pictures = open_tracks(str(path))
    began_at = time.monotonic()
    heard, seen = await asyncio.gather(played(sound), played(pictures))
    assert time.monotonic() - began_at > 1.25
    assert len(heard) == pytest.approx(75, abs=3)
    assert seen[-1].time == pytest.approx(1.4, abs=0.15)


async def test_sound_that_begins_later_is_played_later(tmp_path: Path) -> None:
    """What lies apart in the recording is played apart."""
    late = Sound(tone(0.5, 48_000), starts_s=1.0)
    path = write_recording(tmp_path / "a.mkv", steady(grey(), 1.5), late)
    sound, pictures = open_tracks(path)
    frames, _ = await asyncio.gather(played(sound), played(pictures))
    assert frames[0].time == pytest.approx(1.0, abs=0.05)


async def test_a_recording_that_begins_late_begins_at_once(tmp_path: Path) -> None:
    """Where its times begin with two seconds, as in a broadcast, nobody waits for two seconds."""
    path = write_recording(
        tmp_path / "a.mkv", steady(grey(), 0.5, starts_s=2.0), Sound(tone(0.5, 48_000), 2.0)
    )
    sound, pictures = open_tracks(path)
    frames, _ = await asyncio.gather(played(sound), played(pictures))
    assert frames[0].time == pytest.approx(0.0, abs=0.05)


async def test_pictures_are_thinned_out_shrunk_and_turned_upright(tmp_path: Path) -> None:
    """Of 30 large pictures a second that lie on their side come eight that stand."""
    lying = grey(720, 1280, level=40)
    lying[:, :640, 0] = 220  # red on the left, which a quarter turn to the left brings down
    filmed = Pictures([lying] * 30, [n / 30 for n in range(30)], rotation=90)
    (track,) = open_tracks(write_recording(tmp_path / "a.mp4", filmed))
    frames = await played(track)
    assert track.kind == "video"
    assert len(frames) == 8
    assert {(frame.width, frame.height) for frame in frames} == {(360, 640)}
    assert {frame.rotation for frame in frames} == {0}
    red, green, blue = frames[0].to_ndarray(format="rgb24")[-300:].mean(axis=(0, 1))
    assert red > max(green, blue) + 100
    assert frames[0].to_ndarray(format="rgb24")[:300].mean() < 60
    assert [frame.time for frame in frames] == sorted({frame.time for frame in frames})


async def test_the_cover_of_a_song_is_no_camera(tmp_path: Path) -> None:
    """An mp3 with a picture in front has sound, and nothing else."""
    path = write_song(tmp_path / "a.mp3", tone(0.5, 48_000), grey())
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1  # it is there to be seen
    (track,) = open_tracks(path)
    assert track.kind == "audio"
    track.stop()


async def test_damage_in_the_middle_does_not_end_it(tmp_path: Path) -> None:
    """What can be decoded behind damaged packets is played."""
    path = write_recording(tmp_path / "a.mp4", sound=Sound(tone(1.0, 48_000)))
    damaged = bytearray(path.read_bytes())
    middle = len(damaged) // 2
    damaged[middle : middle + 300] = bytes(b ^ 0xA5 for b in damaged[middle : middle + 300])
    path.write_bytes(damaged)
    (track,) = open_tracks(path)
    frames = await played(track)
    assert frames[-1].time == pytest.approx(1.0, abs=0.05)


async def test_sound_that_changes_midway_goes_on(tmp_path: Path) -> None:
    """A broadcast that turns from mono to stereo, with its times beginning anew, is played to its
    end, one part behind the other.
    """
    parts = (tone(0.6, 48_000), "mono"), (tone(0.6, 48_000, pitch_hz=880), "stereo")
    (track,) = open_tracks(write_broadcast(tmp_path / "a.ts", *parts))
    frames = await played(track)
    assert frames[-1].time == pytest.approx(1.2, abs=0.1)
    assert pitch_hz(samples(frames[5:25])) == pytest.approx(440, abs=10)
    assert pitch_hz(samples(frames[-25:-5])) == pytest.approx(880, abs=10)
    steps = np.diff([frame.pts for frame in frames])
    assert steps.min() > 0


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing.mp4", None, "there is no such file"),
        ("empty.wav", b"", "the file is empty"),
        ("broken.mp4", b"ftyp" * 500, "it cannot be read as a recording"),
        ("words.srt", b"1\n00:00:00,000 --> 00:00:01,000\nHello\n", "neither sound nor pictures"),
    ],
)
def test_what_is_no_recording_says_so(
    name: str, content: bytes | None, sentence: str, tmp_path: Path
) -> None:
    """The error names the file, what is wrong with it, and what to do."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=f"{name} cannot be played: .*{sentence}.*; name another"):
        open_tracks(path)


def test_a_folder_is_no_recording(tmp_path: Path) -> None:
    """Nor is a folder played as one."""
    with pytest.raises(SourceError, match="it is a folder; name a file"):
        open_tracks(tmp_path)


def test_headers_without_anything_behind_them_are_no_recording(tmp_path: Path) -> None:
    """A file that says what it holds, and holds nothing, is refused before anybody is called."""
    path = write_wave(tmp_path / "a.wav", tone(0, 48_000), 48_000)
    with pytest.raises(SourceError, match=f"{path}"):
        open_tracks(path)


async def test_a_stopped_track_lets_go_of_its_file(tmp_path: Path) -> None:
    """Stopped before it began, or midway while it is asked, it leaves neither thread nor file."""
    path = write_recording(tmp_path / "a.mp4", steady(grey(), 5.0), Sound(tone(5.0, 48_000)))
    idle, _ = tracks = open_tracks(path)
    playing = [asyncio.create_task(played(track)) for track in tracks[1:]]
    await tracks[1].recv()
    assert is_open(path)
    for track in tracks:
        track.stop()
        track.stop()
    async with asyncio.timeout(2):
        await asyncio.gather(*playing)
    with pytest.raises(MediaStreamError):
        await idle.recv()
    await until(lambda: not playing_threads())
    assert not is_open(path)
