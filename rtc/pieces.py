"""Cuts decoded sound and pictures into what a client sends, and says when each piece is due."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from typing import Literal, NamedTuple

import av
from av.container import InputContainer

from rtc.arrivals import Frame, picture_arrivals, sound_arrivals
from rtc.decoding import decoded_frames, stream_index
from rtc.video import rgb_of

_PICTURE_INTERVAL_S = 1 / 8  # as the page: twice a second the newest is looked at
_SOUND_CLOCK = Fraction(1, 48_000)  # Opus's (RFC 7587, section 4.1)
_PICTURE_CLOCK = Fraction(1, 90_000)  # of all codecs for pictures
_BACK_S = 0.1  # times are rounded
_LONGEST_GAP_S = 5.0  # a server ends who sends nothing for ten seconds

Kind = Literal["audio", "video"]


class Piece(NamedTuple):
    """What is sent at once.

    Attributes:
        frame: a picture, upright, or 20 ms of sound: int16, stereo, 48 kHz.
        due_s: when, in seconds since the beginning.
    """

    frame: Frame
    due_s: float


class Timeline:
    """Where the frames of one stream lie: none before the one in front of it, none far behind it.

    Recordings that were joined, cut or damaged have times that run back or leap.
    """

    def __init__(self, begins_s: float) -> None:
        """Count from ``begins_s`` of the recording's own times."""
        self._shift_s = -begins_s
        self._ended_s = 0.0

    def place(self, starts_s: float, ends_s: float) -> float:
        """Return where a frame of these times begins, in seconds since the beginning."""
        begins_s = starts_s + self._shift_s
        if not -_BACK_S <= begins_s - self._ended_s <= _LONGEST_GAP_S:
            self._shift_s += self._ended_s - begins_s
            begins_s = self._ended_s
        begins_s = max(begins_s, self._ended_s)
        self._ended_s = begins_s + (ends_s - starts_s)
        return begins_s


def pieces_of(container: InputContainer, kind: Kind, stop: threading.Event) -> Iterator[Piece]:
    """Yield what a recording or a device holds of one kind, until ``stop`` is set."""
    index = stream_index(container, kind)
    if index is None:
        return
    frames = decoded_frames(container, index, stop=stop)
    timeline = Timeline((container.start_time or 0) / av.time_base)
    cut = sound_pieces if kind == "audio" else picture_pieces
    try:
        yield from cut(frames, timeline)
    except av.FFmpegError:
        return  # what comes from here on cannot be converted


def sound_pieces(frames: Iterator[Frame], timeline: Timeline) -> Iterator[Piece]:
    """Cut sound of any kind into packets.

    Of longer frames, aiortc's encoder would send several packets under one time.
    """
    for packet in sound_arrivals(frames):
        due_s = timeline.place(packet.starts_s, packet.ends_s)
        packet.frame.pts, packet.frame.time_base = round(due_s / _SOUND_CLOCK), _SOUND_CLOCK
        yield Piece(packet.frame, due_s)


def picture_pieces(frames: Iterator[Frame], timeline: Timeline) -> Iterator[Piece]:
    """Choose eight pictures a second, and make them no larger than a server looks at."""
    next_s = 0.0
    for picture in picture_arrivals(frames):
        due_s = timeline.place(picture.starts_s, picture.starts_s)
        if due_s < next_s or not isinstance(picture.frame, av.VideoFrame):
            continue
        next_s = max(next_s, due_s - _PICTURE_INTERVAL_S) + _PICTURE_INTERVAL_S
        yield Piece(_as_sent(picture.frame, due_s), due_s)


def _as_sent(frame: av.VideoFrame, due_s: float) -> av.VideoFrame:
    upright = av.VideoFrame.from_ndarray(rgb_of(frame), format="rgb24")
    # Some encoders refuse odd sizes.
    width, height = (max(2, side // 2 * 2) for side in (upright.width, upright.height))
    sent = upright.reformat(width, height, format="yuv420p", threads=1)
    sent.pts, sent.time_base = round(due_s / _PICTURE_CLOCK), _PICTURE_CLOCK
    return sent
