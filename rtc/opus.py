"""Opus as a window needs it: mono at once, by the faster of FFmpeg's two decoders."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import av
from aiortc.codecs.base import Decoder
from aiortc.jitterbuffer import JitterFrame
from av.frame import Frame

_CLOCK_RATE_HZ = 48_000


class MonoOpusDecoder(Decoder):
    """Packets -> frames of one channel, in floating point, at 48 kHz.

    aiortc takes libopus and always two channels; that takes nearly twice as long. Stereo is
    mixed down within the decoder, which keeps its level.
    """

    def __init__(self) -> None:
        context = av.CodecContext.create("opus", "r")
        assert isinstance(context, av.AudioCodecContext)
        context.layout, context.sample_rate = "mono", _CLOCK_RATE_HZ
        self._context = context

    def decode(self, encoded_frame: JitterFrame) -> list[Frame]:
        """Decode one packet.

        Raises:
            av.FFmpegError: it is damaged.
        """
        packet = av.Packet(encoded_frame.data)
        packet.pts = encoded_frame.timestamp
        packet.time_base = Fraction(1, _CLOCK_RATE_HZ)
        return cast(list[Frame], self._context.decode(packet))
