"""Reads one stream of a recording or a device, frame by frame, whatever is damaged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import av
from av.container import InputContainer
from av.stream import Discard, Disposition, Stream

from rtc.arrivals import Frame

_AGAIN_S = 0.01  # where a device has nothing yet


def stream_index(container: InputContainer, kind: str) -> int | None:
    """Return the first stream of a kind that can be decoded; the cover of a song is none.

    Args:
        container: a recording or a device.
        kind: "audio" or "video".
    """
    for stream in container.streams:
        is_cover = bool(stream.disposition & Disposition.attached_pic)
        if stream.type == kind and stream.codec_context is not None and not is_cover:
            return stream.index
    return None


def decoded_frames(
    container: InputContainer,
    index: int,
    on_damage: Callable[[], None] = lambda: None,
    stop: threading.Event | None = None,
) -> Iterator[Frame]:
    """Yield what one stream holds; leave out packets that are damaged, and end where the file does.

    Args:
        container: a recording or a device.
        index: of the stream.
        on_damage: called for each packet that cannot be read or decoded.
        stop: once set, a device that has nothing to give is waited for no more.
    """
    stop = stop or threading.Event()
    for other in container.streams:
        if other.index != index:
            other.discard = Discard.all
    stream = container.streams[index]
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except BlockingIOError:
            if stop.wait(_AGAIN_S):
                return
            packets = container.demux(stream)
            continue
        except av.FFmpegError:
            on_damage()
            return
        if packet is None:
            return
        yield from _frames_in(packet, on_damage)


def _frames_in(packet: av.Packet[Stream], on_damage: Callable[[], None]) -> Iterator[Frame]:
    try:
        for frame in packet.decode():
            if isinstance(frame, av.AudioFrame | av.VideoFrame):
                yield frame
    except av.FFmpegError:
        on_damage()
