"""The slot of the newest picture, and the conversion of its pictures."""

from __future__ import annotations

import av
import numpy as np
import pytest

from rtc.clock import Capture
from rtc.video import NewestPicture, rgb_of
from tests.media import PICTURE_RATE_HZ, PictureTrack


async def test_only_the_newest_picture_is_kept() -> None:
    """Of five pictures that came between two ticks the last is taken, once."""
    levels = np.array([10, 60, 110, 160, 210], np.uint8)
    pictures = np.broadcast_to(levels[:, None, None, None], (5, 48, 64, 3))
    track = PictureTrack(np.ascontiguousarray(pictures))
    track._interval_s = 0.0
    slot = NewestPicture(lambda: 3.0)
    for _ in range(5):
        slot.put(await track.recv())
    frame = slot.take()
    assert frame is not None
    assert frame.capture == Capture(at=3.0, media_time_s=4 / PICTURE_RATE_HZ)
    assert abs(float(frame.rgb().mean()) - 210) < 4
    assert slot.take() is None


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [((1080, 1920), (360, 640)), ((640, 360), (640, 360)), ((1280, 720), (640, 360))],
)
def test_large_pictures_are_shrunk(sent: tuple[int, int], wanted: tuple[int, int]) -> None:
    """The longer side becomes at most 640 pixels and the shape stays."""
    picture = np.zeros((*sent, 3), np.uint8)
    rgb = rgb_of(av.VideoFrame.from_ndarray(picture, format="rgb24"))
    assert rgb.shape == (*wanted, 3)
    assert rgb.dtype == np.uint8


def test_colours_arrive_as_red_green_blue() -> None:
    """A red picture, sent as YUV, has its red in the first channel."""
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 200
    frame = av.VideoFrame.from_ndarray(red, format="rgb24").reformat(format="yuv420p")
    mean = rgb_of(frame).mean(axis=(0, 1))
    assert mean[0] > 150
    assert mean[1] < 60
    assert mean[2] < 60
