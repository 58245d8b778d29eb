"""Media as peers send them: encoded once, from a clip, and replayed round and round."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from rtc.recording import Recording, RecordingError

_SOUND_RATE_HZ = 48_000
_KEY_INTERVAL_S = 10.0  # so that a loop does not begin with a picture larger than browsers send


@dataclass(frozen=True)
class MediaShape:
    """What a peer sends.

    Attributes:
        width, height: of a picture, in pixels.
        frame_rate_hz: pictures a second.
        video_bit_rate: bits a second that the pictures may take.
        packet_ms: sound in one packet: 20 or 60 (``ptime`` in SDP).
    """

    width: int
    height: int
    frame_rate_hz: int
    video_bit_rate: int
    packet_ms: int = 20


@dataclass(frozen=True)
class EncodedLoop:
    """Encoded frames of equal length in time, to be played round and round.

    Attributes:
        frames: VP8 frames, the first of them a key frame, or Opus packets.
        interval_s: from one to the next.
    """

    frames: tuple[bytes, ...]
    interval_s: Fraction


@dataclass(frozen=True)
class EncodedMedia:
    """A peer's sound and pictures."""

    sound: EncodedLoop
    pictures: EncodedLoop


def encode(clip: Path, shape: MediaShape, seconds: float = 8.0) -> EncodedMedia:
    """Encode the first seconds of a recording with a face and a voice.

    Raises:
        rtc.recording.RecordingError: it cannot be decoded, or lacks sound or pictures.
    """
    with _opened(clip):
        media = EncodedMedia(
            encode_sound(_sound_of(clip, seconds), shape.packet_ms),
            encode_pictures(_pictures_of(clip, seconds, shape), shape),
        )
        _check_found(sound=media.sound.frames, picture=media.pictures.frames)
    return media


def decode(
    clip: Path, shape: MediaShape, seconds: float = 8.0
) -> tuple[list[av.VideoFrame], npt.NDArray[np.int16]]:
    """Return the pictures and the sound, 48 kHz mono, that ``encode`` would encode.

    Raises:
        rtc.recording.RecordingError: as ``encode``.
    """
    with _opened(clip):
        sound, pictures = _sound_of(clip, seconds), list(_pictures_of(clip, seconds, shape))
        _check_found(sound=sound, picture=pictures)
    return pictures, sound


@contextlib.contextmanager
def _opened(clip: Path) -> Iterator[None]:
    """See that there is something to read, and say what to do where it cannot be read."""
    try:
        _check_tracks(Recording(clip))
        yield
    except (av.FFmpegError, OSError, RecordingError) as error:
        raise RecordingError(_refusal(clip, str(error))) from error


def _check_tracks(recording: Recording) -> None:
    if not recording.has_sound:
        raise RecordingError("it has no sound")
    if not recording.has_pictures:
        raise RecordingError("it has no pictures")


def _check_found(**pieces: Sized) -> None:
    for kind, found in pieces.items():
        if not len(found):
            raise RecordingError(f"there is no {kind} in its first seconds")


def _refusal(clip: Path, reason: str) -> str:
    return (
        f"{clip} gives no sound and pictures to send: {reason}; give a clip with a face that speaks"
    )


def encode_pictures(pictures: Iterable[av.VideoFrame], shape: MediaShape) -> EncodedLoop:
    """Encode pictures of the shape's size and rate with VP8."""
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = shape.width, shape.height, "yuv420p"
    encoder.time_base = Fraction(1, shape.frame_rate_hz)
    encoder.framerate = Fraction(shape.frame_rate_hz)
    encoder.bit_rate = shape.video_bit_rate
    encoder.gop_size = round(_KEY_INTERVAL_S * shape.frame_rate_hz)
    # As a browser's encoder: at once, one picture out for each in, nothing looked at ahead.
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    frames: list[bytes] = []
    for number, picture in enumerate(pictures):
        picture.pts, picture.time_base = number, encoder.time_base
        frames += [bytes(packet) for packet in encoder.encode(picture)]
    frames += [bytes(packet) for packet in encoder.encode(None)]
    return EncodedLoop(tuple(frames), Fraction(1, shape.frame_rate_hz))


def encode_sound(sound: npt.NDArray[np.int16], packet_ms: int) -> EncodedLoop:
    """Encode sound, 48 kHz mono, with Opus."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = _SOUND_RATE_HZ, "mono", "s16"
    encoder.bit_rate = 32_000  # what browsers take for a voice
    encoder.options = {"frame_duration": str(packet_ms), "application": "voip"}
    samples = _SOUND_RATE_HZ * packet_ms // 1000
    frames: list[bytes] = []
    for start in range(0, len(sound) - samples + 1, samples):
        piece = np.ascontiguousarray(sound[None, start : start + samples])
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
        frame.sample_rate, frame.pts = _SOUND_RATE_HZ, start
        frame.time_base = Fraction(1, _SOUND_RATE_HZ)
        frames += [bytes(packet) for packet in encoder.encode(frame)]
    return EncodedLoop(tuple(frames), Fraction(packet_ms, 1000))


def _pictures_of(clip: Path, seconds: float, shape: MediaShape) -> Iterator[av.VideoFrame]:
    """Yield pictures at the wanted rate and size, the middle of each cut to its proportions."""
    due_s = 0.0
    with av.open(str(clip)) as container:
        for frame in container.decode(container.streams.video[0]):
            if frame.time is None or frame.time >= seconds:
                return
            while due_s <= frame.time:
                yield _cut(frame, shape)
                due_s += 1 / shape.frame_rate_hz


def _cut(frame: av.VideoFrame, shape: MediaShape) -> av.VideoFrame:
    scale = max(shape.width / frame.width, shape.height / frame.height)
    width, height = round(frame.width * scale), round(frame.height * scale)
    picture = frame.to_ndarray(format="rgb24", width=width, height=height)
    left, top = (width - shape.width) // 2, (height - shape.height) // 2
    middle = np.ascontiguousarray(picture[top : top + shape.height, left : left + shape.width])
    return av.VideoFrame.from_ndarray(middle, format="rgb24").reformat(format="yuv420p")


def _sound_of(clip: Path, seconds: float) -> npt.NDArray[np.int16]:
    pieces = []
    resampler = av.AudioResampler(format="s16", layout="mono", rate=_SOUND_RATE_HZ)
    with av.open(str(clip)) as container:
        for frame in container.decode(container.streams.audio[0]):
            if frame.time is not None and frame.time >= seconds:
                break
            pieces += [out.to_ndarray()[0] for out in resampler.resample(frame)]
    return np.concatenate([np.zeros(0, np.int16), *pieces])
