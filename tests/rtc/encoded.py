"""Encoded media for tests, as peers send it: VP8, H.264 and Opus by aiortc's own encoders."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from aiortc import RTCRtpCodecParameters
from aiortc.codecs import CODECS
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.opus import OpusEncoder
from aiortc.codecs.vpx import Vp8Encoder

from rtc.rtp import RtpPacket

VP8 = next(codec for codec in CODECS["video"] if codec.name == "VP8")
H264 = next(codec for codec in CODECS["video"] if codec.name == "H264")
OPUS = next(codec for codec in CODECS["audio"] if codec.name == "opus")
PICTURE_TICKS = 6000  # of 90 kHz, from one picture to the next at 15 Hz
SOUND_TICKS = 960  # of 48 kHz, in 20 ms

Payloads = list[bytes]


def noisy_pictures(
    count: int, codec: RTCRtpCodecParameters = VP8, keys: Sequence[int] = (0,)
) -> list[Payloads]:
    """Encode 160x128 pictures of noise, so that each takes several packets; return payloads."""
    encoder = Vp8Encoder() if codec.name == "VP8" else H264Encoder()
    encoder.target_bitrate = 3_000_000
    rng = np.random.default_rng(3)
    payloads = []
    for number in range(count):
        noise = rng.integers(0, 256, (128, 160, 3), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(noise, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = number * 2, Fraction(1, 30)
        payloads.append(encoder.encode(frame, force_keyframe=number in keys)[0])
    return payloads


def packets_of(
    pictures: Sequence[Payloads], first_number: int = 0, timestamp: int = 0
) -> list[list[RtpPacket]]:
    """Put payloads into packets, numbered on and on, the last of each picture marked."""
    packets, number = [], first_number
    for picture in pictures:
        packets.append([])
        for payload in picture:
            is_last = len(packets[-1]) == len(picture) - 1
            packets[-1].append(RtpPacket(97, is_last, number % 65536, timestamp, 1, payload))
            number += 1
        timestamp = (timestamp + PICTURE_TICKS) % (1 << 32)
    return packets


def sound_packets(
    sound: npt.NDArray[np.int16], first_number: int = 0, timestamp: int = 0
) -> list[RtpPacket]:
    """Encode sound, int16 mono at 48 kHz, in packets of 20 ms."""
    encoder, packets = OpusEncoder(), []
    for start in range(0, len(sound) - SOUND_TICKS + 1, SOUND_TICKS):
        # In stereo, since the encoder makes two channels of one with 3 dB less in each.
        piece = np.repeat(sound[start : start + SOUND_TICKS], 2)[None]
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        for payload in encoder.encode(frame)[0]:
            number = first_number + len(packets)
            at = (timestamp + len(packets) * SOUND_TICKS) % (1 << 32)
            packets.append(RtpPacket(96, False, number % 65536, at, 2, payload))
    return packets
