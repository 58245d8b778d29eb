"""Read a recording of any kind: what it holds, and its frames in the order of their times."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import av
from av.container import InputContainer

from rtc.arrivals import Arrival, in_order, picture_arrivals, sound_arrivals
from rtc.decoding import decoded_frames, stream_index

_LONGEST_GAP_S = 3600.0  # times that leap further are damaged, and would take for ever to replay


class RecordingError(RuntimeError):
    """A file cannot be replayed; the message says why and, where it can, what to do."""


@dataclass(frozen=True)
class Precautions:
    """What a file may be and take; by default all that FFmpeg reads, and as it likes.

    Attributes:
        containers: names of FFmpeg's demuxers, with commas between; "" is all of them. Some, such
            as playlists, have others of this machine's files read in their place.
        most_pixels: of one picture; 0 is any number.
        threads: of each decoder; 0 is one for each processor core.
    """

    containers: str = ""
    most_pixels: int = 0
    threads: int = 0


NONE = Precautions()
WITH_STRANGERS = Precautions(
    "mov,matroska,webm,avi,flv,asf,mpeg,mpegts,ogg,wav,w64,aiff,caf,flac,mp3,aac,amr",
    most_pixels=4096 * 2304,
    threads=1,
)


class Recording:
    """A readable file with sound, pictures, or both.

    Attributes:
        path: of the file.
        has_sound, has_pictures: what it holds; the cover picture of a sound file does not count.
        duration_s: what the file says of its length, for a progress bar; None if nothing.
        played_s: how far ``arrivals`` has come: where the latest of its frames ends.
        damaged_packets: those that could not be decoded so far, and were left out.
    """

    def __init__(self, path: Path, precautions: Precautions = NONE) -> None:
        """Open ``path`` and look what it holds.

        Raises:
            RecordingError: it is missing, empty, no recording, has neither sound nor pictures, or
                is against ``precautions``.
        """
        self.path = path
        self._precautions = precautions
        self.played_s = 0.0
        self.damaged_packets = 0
        if path.is_dir():
            raise RecordingError("it is a folder; name a file")
        if not path.is_file():
            raise RecordingError("there is no such file")
        if not path.stat().st_size:
            raise RecordingError("the file is empty")
        with open_recording(path, precautions) as container:
            self._streams = [
                index
                for index in (stream_index(container, kind) for kind in ("audio", "video"))
                if index is not None
            ]
            kinds = {container.streams[index].type for index in self._streams}
            self._check_size(container)
            length = container.duration
        if not kinds:
            raise RecordingError("it has neither sound nor pictures that can be decoded")
        self.has_sound = "audio" in kinds
        self.has_pictures = "video" in kinds
        self.duration_s = length / av.time_base if length and length > 0 else None

    def arrivals(self) -> Iterator[Arrival]:
        """Yield all frames in the order in which they arrive.

        Nothing is held but what the decoders hold: each kind is read by a reader of its own, so
        that a file with all sound behind all pictures takes no more memory than another.

        Raises:
            RecordingError: nothing can be decoded, or times leap by more than an hour.
        """
        tracks = [in_order(self._decoded(index)) for index in self._streams]
        firsts = [first for first in (next(track, None) for track in tracks) if first]
        if not firsts:
            raise RecordingError("it holds no frame that can be decoded")
        origin_s = last_s = min(first.starts_s for first in firsts)
        at_s = attrgetter("at_s")
        for one in heapq.merge(sorted(firsts, key=at_s), *tracks, key=at_s):
            if one.at_s - last_s > _LONGEST_GAP_S:
                raise RecordingError(
                    f"its times leap by more than an hour at {last_s - origin_s:.1f} s; "
                    "write it anew with: ffmpeg -fflags +genpts -i FILE NEW_FILE"
                )
            last_s = one.at_s
            self.played_s = max(self.played_s, one.ends_s - origin_s)
            yield Arrival(one.frame, one.starts_s - origin_s, one.ends_s - origin_s)

    def _decoded(self, index: int) -> Iterator[Arrival]:
        with open_recording(self.path, self._precautions) as container:
            frames = decoded_frames(container, index, self._note_damage)
            is_sound = container.streams[index].type == "audio"
            try:
                yield from sound_arrivals(frames) if is_sound else picture_arrivals(frames)
            except av.FFmpegError as error:
                raise RecordingError(f"its sound cannot be converted: {error}") from error

    def _note_damage(self) -> None:
        self.damaged_packets += 1

    def _check_size(self, container: InputContainer) -> None:
        most = self._precautions.most_pixels
        for index in self._streams:
            context = container.streams[index].codec_context
            if not isinstance(context, av.VideoCodecContext):
                continue
            width, height = context.width, context.height
            if most and width * height > most:
                raise RecordingError(
                    f"its pictures have {width} x {height} pixels, and may have {most}; make them "
                    "smaller with: ffmpeg -i FILE -vf scale=-2:1080 NEW_FILE"
                )


def open_recording(path: Path, precautions: Precautions = NONE) -> InputContainer:
    """Open a file, and say to its decoders what they may take.

    Raises:
        RecordingError: it is no recording, or is against ``precautions``.
    """
    # As a file and nothing else: what looks like a playlist must not reach into the network.
    options = {"protocol_whitelist": "file"}
    if precautions.containers:
        options["format_whitelist"] = precautions.containers
    try:
        container = av.open(f"file:{path}", metadata_errors="ignore", options=options)
    except (av.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RecordingError(f"it cannot be read as a recording: {reason}") from error
    for stream in (*container.streams.audio, *container.streams.video):
        if stream.codec_context is not None:
            _limit_decoder(stream.codec_context, precautions)
    return container


def _limit_decoder(context: av.CodecContext, precautions: Precautions) -> None:
    context.thread_type = "AUTO"
    context.thread_count = precautions.threads
    if precautions.most_pixels:
        # Whatever the container said of their size; decoders add to it for their own use.
        context.options = {"max_pixels": str(2 * precautions.most_pixels)}
