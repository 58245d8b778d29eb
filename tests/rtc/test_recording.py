"""Reading recordings: every container, odd times, and what cannot be read."""

from __future__ import annotations

import wave
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from av.stream import Disposition

from rtc.arrivals import Arrival
from rtc.recording import WITH_STRANGERS, Recording, RecordingError
from rtc.video import rgb_of
from tests.eval.recordings import Pictures, Sound, grey, steady, write_recording
from tests.media import SOUND_RATE_HZ, synthetic_speech


def _of_kind(path: Path, kind: type) -> list[Arrival]:
    return [one for one in Recording(path).arrivals() if isinstance(one.frame, kind)]


@pytest.mark.parametrize("ending", [".mp4", ".webm", ".mkv", ".ts"])
def test_both_kinds_come_in_the_order_of_arrival(tmp_path: Path, ending: str) -> None:
    """Sound and pictures of each container are merged by time and lose nothing."""
    path = write_recording(
        tmp_path / f"clip{ending}", steady(grey(), 2.0), Sound(synthetic_speech(2.0))
    )
    recording = Recording(path)
    arrivals = list(recording.arrivals())
    times_s = [one.at_s for one in arrivals]
    assert times_s == sorted(times_s)
    pictures = [one for one in arrivals if isinstance(one.frame, av.VideoFrame)]
    samples = sum(one.frame.samples for one in arrivals if isinstance(one.frame, av.AudioFrame))
    assert len(pictures) == 20
    assert abs(samples / SOUND_RATE_HZ - 2.0) < 0.06
    assert recording.has_sound
    assert recording.has_pictures
    assert recording.damaged_packets == 0
    assert abs(recording.played_s - 2.0) < 0.12


@pytest.mark.parametrize("ending", [".wav", ".flac"])
def test_sound_comes_as_a_browser_sends_it(tmp_path: Path, ending: str) -> None:
    """Whatever the file's blocks, sound arrives in stereo packets of 20 ms, each when it ends."""
    path = write_recording(tmp_path / f"a{ending}", sound=Sound(synthetic_speech(1.01)))
    recording = Recording(path)
    packets = list(recording.arrivals())
    assert not recording.has_pictures
    assert {one.frame.samples for one in packets[:-1]} == {960}
    assert packets[-1].frame.samples == 480
    assert {(one.frame.format.name, one.frame.layout.name) for one in packets} == {
        ("s16", "stereo")
    }
    assert [round(one.at_s, 3) for one in packets[:3]] == [0.02, 0.04, 0.06]


def test_an_unsteady_picture_rate_keeps_its_times(tmp_path: Path) -> None:
    """Pictures of a variable frame rate arrive when they were taken."""
    times_s = [0.0, 0.04, 0.5, 0.51, 1.7, 3.2]
    path = write_recording(tmp_path / "vfr.mkv", Pictures([grey()] * 6, times_s))
    assert [round(one.at_s, 3) for one in Recording(path).arrivals()] == times_s


@pytest.mark.parametrize("ending", [".mkv", ".ts"])
def test_a_late_start_is_taken_away_and_a_delay_between_kinds_is_kept(
    tmp_path: Path, ending: str
) -> None:
    """A file whose clock starts at 5 s plays from 0; sound that starts 1 s later stays later."""
    path = write_recording(
        tmp_path / f"late{ending}",
        steady(grey(), 2.0, starts_s=5.0),
        Sound(synthetic_speech(1.0), starts_s=6.0),
    )
    first_picture = _of_kind(path, av.VideoFrame)[0]
    first_sound = _of_kind(path, av.AudioFrame)[0]
    assert first_picture.starts_s == 0
    assert abs(first_sound.starts_s - 1.0) < 0.05


def test_sound_after_a_pause_in_its_times_comes_after_the_pause(tmp_path: Path) -> None:
    """A hole in the sound's times stays a hole."""
    path = tmp_path / "hole.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", SOUND_RATE_HZ)
        stream.layout = "mono"
        for start_s in (0.0, 3.0):
            samples = np.ones((1, SOUND_RATE_HZ // 2), np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = SOUND_RATE_HZ
            frame.time_base = Fraction(1, SOUND_RATE_HZ)
            frame.pts = int(start_s * SOUND_RATE_HZ)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    starts_s = [one.starts_s for one in Recording(path).arrivals()]
    assert max(np.diff(starts_s)) > 2.4
    assert abs(starts_s[-1] - 3.48) < 0.03


def test_sound_without_a_time_goes_behind_the_sound_before(tmp_path: Path) -> None:
    """The end of a Windows Media file, which has no time of its own, comes at the end, not in a
    minute.
    """
    path = tmp_path / "a.wma"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("wmav2", SOUND_RATE_HZ)
        stream.layout = "mono"
        stream.bit_rate = 64_000
        speech = synthetic_speech(1.0)[None, :]
        for start in range(0, SOUND_RATE_HZ - 2048, 2048):
            samples = np.ascontiguousarray(speech[:, start : start + 2048])
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts = SOUND_RATE_HZ, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        assert [frame.pts for frame in container.decode(audio=0)][-1] is None
    arrivals = list(Recording(path).arrivals())
    assert 0.9 < arrivals[-1].ends_s < 1.2


@pytest.mark.parametrize("turned", [90, 180, -90])
def test_pictures_that_say_how_to_be_turned_are_turned(tmp_path: Path, turned: int) -> None:
    """A recording of a camera held sideways comes upright: its bright corner is at top left."""
    upright = grey(128, 96, 20)
    upright[:48, :32] = 230
    stored = np.ascontiguousarray(np.rot90(upright, -turned // 90))
    path = write_recording(tmp_path / "turned.mp4", Pictures([stored] * 3, [0.0, 0.1, 0.2], turned))
    rgb = rgb_of(_of_kind(path, av.VideoFrame)[-1].frame)
    assert rgb.shape == (128, 96, 3)
    assert rgb[:40, :24].min() > 150
    assert rgb[60:, 40:].max() < 80


def test_the_cover_of_a_sound_file_is_no_picture_of_anyone(tmp_path: Path) -> None:
    """An attached picture, such as an album's cover, does not count as pictures."""
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", SOUND_RATE_HZ)
        sound.layout = "mono"
        cover = container.add_stream("mjpeg", 1)
        cover.width, cover.height, cover.pix_fmt = 128, 96, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(grey(), format="rgb24").reformat(format="yuvj420p")
        container.mux(cover.encode(picture))
        container.mux(cover.encode(None))
        frame = av.AudioFrame.from_ndarray(
            synthetic_speech(0.5)[None, :], format="s16", layout="mono"
        )
        frame.sample_rate = SOUND_RATE_HZ
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    with av.open(str(path)) as container:
        assert any(s.disposition & Disposition.attached_pic for s in container.streams)
    recording = Recording(path)
    assert recording.has_sound
    assert not recording.has_pictures


def test_a_missing_file_is_named_as_such(tmp_path: Path) -> None:
    """A path without a file says so."""
    with pytest.raises(RecordingError, match="no such file"):
        Recording(tmp_path / "nowhere.mp4")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"<html>not found</html>" * 50, "cannot be read as a recording"),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n", "cannot be read as a recording"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    """Nothing, a web page, and a playlist that names another machine each give a sentence."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=sentence):
        Recording(path)


def test_strangers_cannot_have_other_files_read(tmp_path: Path) -> None:
    """With precautions a list of recordings is refused, which names another of this machine."""
    write_recording(tmp_path / "mine.ts", steady(grey(), 2.0))
    listed = tmp_path / "clip.mp4"
    listed.write_text("ffconcat version 1.0\nfile mine.ts\n")
    assert Recording(listed).has_pictures  # FFmpeg does follow it
    with pytest.raises(RecordingError, match="cannot be read as a recording"):
        Recording(listed, WITH_STRANGERS)


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".webm", ".ts", ".wav", ".flac"])
def test_strangers_may_send_what_people_record(tmp_path: Path, ending: str) -> None:
    """With precautions common containers are read as without."""
    pictures = None if ending in {".wav", ".flac"} else steady(grey(), 1.0)
    path = write_recording(tmp_path / f"clip{ending}", pictures, Sound(synthetic_speech(1.0)))
    plain, careful = Recording(path), Recording(path, WITH_STRANGERS)
    assert len(list(careful.arrivals())) == len(list(plain.arrivals()))


def test_strangers_pictures_have_a_largest_size(tmp_path: Path) -> None:
    """With precautions pictures too large are refused by their size, and how to mend it is said;
    those that are larger than the file says are not decoded.
    """
    large = write_recording(tmp_path / "a.mp4", Pictures([grey(2592, 4608)] * 2, [0.0, 0.5]))
    with pytest.raises(RecordingError, match=r"4608 x 2592 pixels.*scale=-2:1080"):
        Recording(large, WITH_STRANGERS)
    largest = write_recording(tmp_path / "b.mp4", Pictures([grey(2304, 4096)] * 2, [0.0, 0.5]))
    recording = Recording(largest, WITH_STRANGERS)
    assert len(list(recording.arrivals())) == 2
    recording._precautions = replace(WITH_STRANGERS, most_pixels=1920 * 1080)
    with pytest.raises(RecordingError, match="no frame that can be decoded"):
        list(recording.arrivals())


def test_pictures_of_an_unknown_kind_leave_the_sound(tmp_path: Path) -> None:
    """Where nothing can decode the pictures, the sound is there all the same."""
    path = write_recording(tmp_path / "a.mkv", steady(grey(), 1.0), Sound(synthetic_speech(1.0)))
    path.write_bytes(path.read_bytes().replace(b"V_MPEG4/ISO/ASP", b"V_NOBODYKNOWSIT"))
    recording = Recording(path, WITH_STRANGERS)
    assert (recording.has_sound, recording.has_pictures) == (True, False)
    assert len(list(recording.arrivals())) == 50


def test_a_file_of_text_only_has_neither(tmp_path: Path) -> None:
    """Subtitles alone are neither sound nor pictures."""
    path = tmp_path / "clip.srt"
    path.write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    with pytest.raises(RecordingError, match="neither sound nor pictures"):
        Recording(path)


def test_a_recording_of_length_zero_has_nothing_to_decode(tmp_path: Path) -> None:
    """A header without a frame after it gives a sentence, not an empty timeline."""
    path = tmp_path / "none.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SOUND_RATE_HZ, 0, "NONE", ""))
    with pytest.raises(RecordingError, match="no frame that can be decoded"):
        list(Recording(path).arrivals())


def test_damage_in_the_middle_costs_only_the_middle(tmp_path: Path) -> None:
    """Packets that cannot be decoded are counted and left out; what follows still comes."""
    noise = np.random.default_rng(0).integers(0, 255, (40, 96, 128, 3), np.uint8)
    times_s = [n / 10 for n in range(40)]
    path = write_recording(tmp_path / "clip.webm", Pictures(list(noise), times_s))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + len(content) // 8] = b"\xff" * (len(content) // 8)
    path.write_bytes(content)
    recording = Recording(path)
    arrivals = list(recording.arrivals())
    assert 10 < len(arrivals) < 40
    assert arrivals[-1].at_s > 3.5


def test_times_that_leap_by_hours_are_refused(tmp_path: Path) -> None:
    """A time stamp gone wrong does not make a replay of a day; the remedy is named."""
    path = write_recording(tmp_path / "leap.mkv", Pictures([grey()] * 3, [0.0, 0.1, 9000.0]))
    with pytest.raises(RecordingError, match=r"leap by more than an hour at 0\.\d s.*genpts"):
        list(Recording(path).arrivals())


def test_a_long_recording_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    """Three minutes with all sound behind all pictures, 460 MB decoded, stay under 80 MB."""
    speech = np.tile(synthetic_speech(1.0), 180)
    path = write_recording(
        tmp_path / "long.mkv", steady(grey(240, 320), 180, rate_hz=15), Sound(speech)
    )
    process = psutil.Process()
    before = process.memory_info().rss
    most = 0
    for number, _ in enumerate(Recording(path).arrivals()):
        if number % 500 == 0:
            most = max(most, process.memory_info().rss - before)
    assert number > 11_000
    assert most < 80e6
