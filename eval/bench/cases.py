"""The cases that are measured: what peers send, and which face network looks at it."""

from __future__ import annotations

from dataclasses import dataclass

from eval.bench.media import MediaShape


@dataclass(frozen=True)
class Case:
    """One line of the capacity table.

    Attributes:
        title: for people.
        shape: what each peer sends.
        face_model: "embedded", or "hsemotion" for an EfficientNet-B2 with random weights.
        first, stride: how many peers to begin with, and how many more at once.
    """

    title: str
    shape: MediaShape
    face_model: str = "embedded"
    first: int = 8
    stride: int = 8


# As Chromium sends a camera's pictures within the page's limits (web/sending.js), and sound as the
# server's answer asks for it.
PAGE = MediaShape(width=320, height=240, frame_rate_hz=8, video_bit_rate=200_000, packet_ms=60)

CASES = {
    "page": Case("the page's media", PAGE, first=16, stride=16),
    "320": Case("320x240 at 15 Hz, untuned", MediaShape(320, 240, 15, 250_000)),
    "640": Case("640x480 at 30 Hz, untuned", MediaShape(640, 480, 30, 800_000), first=4, stride=4),
    "b2": Case("the page's media, EfficientNet-B2", PAGE, "hsemotion", first=4, stride=4),
}
