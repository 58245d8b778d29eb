"""Media that peers replay: real VP8 frames and Opus packets of the wanted size and length."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from eval.bench.cases import PAGE
from eval.bench.media import EncodedLoop, EncodedMedia, MediaShape, encode
from rtc.recording import RecordingError
from tests.eval.recordings import Sound, steady, write_recording
from tests.media import SOUND_RATE_HZ, photograph_clip

CLIP = photograph_clip()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of a photograph, 640x480 at 16 Hz, and of synthetic speech."""
    path = tmp_path_factory.mktemp("media") / "clip.mkv"
    pictures = steady(CLIP.pictures[0], seconds=3.0, rate_hz=16)
    return write_recording(path, pictures, Sound(CLIP.sound))


@pytest.fixture(scope="module")
def page_media(clip: Path) -> EncodedMedia:
    """That clip, as the page sends it."""
    return encode(clip, PAGE)


def pictures_of(loop: EncodedLoop) -> list[npt.NDArray[np.uint8]]:
    """Decode VP8 frames, each of which must give one picture; return RGB."""
    decoder = av.CodecContext.create("vp8", "r")
    pictures = []
    for frame in loop.frames:
        (picture,) = decoder.decode(av.Packet(frame))
        pictures.append(picture.to_ndarray(format="rgb24"))
    return pictures


def sounds_of(loop: EncodedLoop) -> list[npt.NDArray[np.float32]]:
    """Decode Opus packets; return the samples of each, at 48 kHz."""
    decoder = av.CodecContext.create("opus", "r")
    decoder.sample_rate, decoder.layout = SOUND_RATE_HZ, "mono"
    sounds = []
    for packet in loop.frames:
        (sound,) = decoder.decode(av.Packet(packet))
        sounds.append(sound.to_ndarray()[0])
    return sounds


def test_there_are_as_many_pictures_as_the_rate_says(page_media: EncodedMedia) -> None:
    """Eight a second for three seconds, to be shown at that pace."""
    assert len(page_media.pictures.frames) == 24
    assert page_media.pictures.interval_s == Fraction(1, 8)


def test_no_more_is_read_than_wanted(clip: Path) -> None:
    """Of three seconds the first one and a half are taken, of sound and of pictures."""
    media = encode(clip, PAGE, seconds=1.5)
    assert len(media.pictures.frames) == 12
    assert len(media.sound.frames) == 25


def test_the_first_picture_alone_is_a_key_frame(page_media: EncodedMedia) -> None:
    """A decoder can begin with the first, whose header says its size; the others build on it."""
    first, *others = page_media.pictures.frames
    # RFC 6386, 9.1: the lowest bit is 0 in key frames, whose start code and size follow.
    assert first[0] & 1 == 0
    assert first[3:6] == b"\x9d\x01\x2a"
    width, height = (int.from_bytes(first[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    assert (width, height) == (320, 240)
    assert all(frame[0] & 1 for frame in others)
    assert all(len(frame) < len(first) for frame in others)


def test_pictures_decode_to_what_the_clip_shows(page_media: EncodedMedia) -> None:
    """Each frame gives one picture of the wanted size, on which the photograph is seen."""
    decoded = pictures_of(page_media.pictures)
    assert {picture.shape for picture in decoded} == {(240, 320, 3)}
    expected = cv2.resize(CLIP.pictures[0], (320, 240), interpolation=cv2.INTER_AREA)
    assert np.abs(decoded[-1].astype(float) - expected).mean() < 10


def test_other_proportions_show_the_middle(clip: Path) -> None:
    """A square has the middle of the photograph, neither squeezed nor with borders."""
    decoded = pictures_of(encode(clip, MediaShape(240, 240, 8, 300_000), seconds=0.5).pictures)
    expected = cv2.resize(CLIP.pictures[0], (320, 240), interpolation=cv2.INTER_AREA)[:, 40:280]
    assert decoded[-1].shape == (240, 240, 3)
    assert np.abs(decoded[-1].astype(float) - expected).mean() < 10


def test_a_higher_rate_shows_pictures_twice(clip: Path) -> None:
    """At twice the clip's rate there are twice as many, so that the pace is kept."""
    pictures = encode(clip, MediaShape(320, 240, 32, 300_000), seconds=1.0).pictures
    assert abs(len(pictures.frames) - 32) <= 1


@pytest.mark.parametrize("packet_ms", [20, 60])
def test_packets_hold_as_much_sound_as_wanted(clip: Path, packet_ms: int) -> None:
    """Each packet decodes to its 20 or 60 ms, all together to the clip's voice."""
    sound = encode(clip, MediaShape(320, 240, 8, 120_000, packet_ms)).sound
    assert sound.interval_s == Fraction(packet_ms, 1000)
    assert len(sound.frames) == 3000 // packet_ms
    decoded = sounds_of(sound)
    assert {len(samples) for samples in decoded} == {SOUND_RATE_HZ * packet_ms // 1000}
    loudness = np.sqrt(np.mean(np.square(np.concatenate(decoded))))
    expected = np.sqrt(np.mean(np.square(CLIP.sound / 32768)))
    assert loudness == pytest.approx(expected, rel=0.2)


def test_clips_that_lack_something_are_refused(tmp_path: Path) -> None:
    """The error names the clip, what it lacks, and what to give instead."""
    mute = write_recording(tmp_path / "mute.mkv", steady(CLIP.pictures[0], 1.0))
    blind = write_recording(tmp_path / "blind.wav", sound=Sound(CLIP.sound))
    broken, missing = tmp_path / "broken.mp4", tmp_path / "nowhere.mp4"
    broken.write_bytes(b"no recording")
    for path, reason in (
        (mute, "it has no sound"),
        (blind, "it has no pictures"),
        (broken, "it cannot be read as a recording"),
        (missing, "there is no such file"),
    ):
        with pytest.raises(RecordingError, match=reason) as refused:
            encode(path, PAGE)
        assert str(refused.value).startswith(f"{path} gives no sound and pictures to send: ")
        assert str(refused.value).endswith("; give a clip with a face that speaks")


@pytest.mark.parametrize(
    ("sound", "starts_s", "reason"),
    [
        (CLIP.sound[:960], 0.0, "there is no sound in its first seconds"),  # 20 ms: no packet
        (CLIP.sound, 10.0, "there is no sound in its first seconds"),
    ],
    ids=["too short", "too late"],
)
def test_sound_too_short_or_too_late_is_refused(
    tmp_path: Path, sound: npt.NDArray[np.int16], starts_s: float, reason: str
) -> None:
    """Sound that fills no packet, or begins after what is read, is as none."""
    pictures = steady(CLIP.pictures[0], 1.0)
    path = write_recording(tmp_path / "clip.mkv", pictures, Sound(sound, starts_s))
    with pytest.raises(RecordingError, match=reason):
        encode(path, PAGE)
