"""FFmpeg's own WHIP publisher, through PyAV: a program not of this project sends a clip."""

from __future__ import annotations

import asyncio
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import aiohttp
import av
import numpy as np
import pytest

from rtc.naming import names_of
from tests.events import events
from tests.media import PICTURE_RATE_HZ, SOUND_RATE_HZ, Clip
from tests.processes import EMBEDDED, Launch, ready
from tests.rtc.certificates import write_pems

_KEY = "made-up-by-the-test-itself"
_TOKEN = "a-token-for-this-test"
_SOUND_SAMPLES = 960  # 20 ms, as Opus has it


def _publish(url: str, clip: Clip, over: threading.Event, **options: str) -> None:
    """Send a clip round and round in real time, as ``ffmpeg -re -i CLIP -f whip URL`` does."""
    height, width = clip.pictures.shape[1:3]
    with av.open(url, "w", format="whip", options=options) as output:
        fast = {"profile": "baseline", "preset": "ultrafast", "tune": "zerolatency", "g": "15"}
        video = output.add_stream("libx264", rate=PICTURE_RATE_HZ, options=fast)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        sound = output.add_stream("libopus", rate=SOUND_RATE_HZ, layout="stereo")
        began_at = time.monotonic()
        for number in range(60 * PICTURE_RATE_HZ):
            for frame in _sound(clip, number):
                output.mux(sound.encode(frame))
            picture = av.VideoFrame.from_ndarray(clip.pictures[number % len(clip.pictures)])
            picture.pts, picture.time_base = number, Fraction(1, PICTURE_RATE_HZ)
            output.mux(video.encode(picture))
            if over.wait(max(0.0, began_at + number / PICTURE_RATE_HZ - time.monotonic())):
                return


def _sound(clip: Clip, picture: int) -> list[av.AudioFrame]:
    """Return what is heard while a picture is shown."""
    frames = []
    span = SOUND_RATE_HZ // PICTURE_RATE_HZ
    first, last = (-(-n * span // _SOUND_SAMPLES) for n in (picture, picture + 1))
    for number in range(first, last):
        places = np.arange(number * _SOUND_SAMPLES, (number + 1) * _SOUND_SAMPLES)
        mono = clip.sound[places % len(clip.sound)]
        frame = av.AudioFrame.from_ndarray(np.repeat(mono, 2)[None], "s16", "stereo")
        frame.sample_rate, frame.pts = SOUND_RATE_HZ, number * _SOUND_SAMPLES
        frame.time_base = Fraction(1, SOUND_RATE_HZ)
        frames.append(frame)
    return frames


async def test_ffmpeg_publishes_and_results_come_as_events(
    launch: Launch, happy_clip: Clip, tmp_path: Path
) -> None:
    """H264 and Opus from FFmpeg, with the token, give voice and face; its end ends the session."""
    # In another process: PyAV lets no Python run while FFmpeg waits for the answer.
    process = await launch("--port", "0", *EMBEDDED, EMOTION_TOKEN=_TOKEN)
    _, url = await ready(process)
    whip = f"{url}/whip?key={_KEY}"
    with pytest.raises(av.FFmpegError):
        await asyncio.to_thread(_publish, whip, happy_clip, threading.Event())
    # Of its own FFmpeg with GnuTLS makes one on a curve (P-224) that OpenSSL 4 does not take.
    cert_file, key_file = write_pems(tmp_path, "publisher")
    options = {"authorization": _TOKEN, "cert_file": str(cert_file), "key_file": str(key_file)}
    over = threading.Event()
    publishing = asyncio.create_task(asyncio.to_thread(_publish, whip, happy_clip, over, **options))
    try:
        results, last = await _watch(url, over)
        await publishing
    finally:
        over.set()
        await asyncio.gather(publishing, return_exceptions=True)
    assert results[-1]["evidence"] == "both"
    assert "its publisher ended it" in last


async def _watch(url: str, over: threading.Event) -> tuple[list[dict[str, Any]], str]:
    """Return some results, and what was said last when it was over."""
    path, bearer = f"/sessions/{names_of(_KEY).watch}", f"Bearer {_TOKEN}"
    await _begun(f"{url}{path}", bearer)
    async with events(url, f"{path}/events", Authorization=bearer) as stream:
        results = await stream.results(8)
        over.set()
        last = ""
        while (event := await stream.next()) is not None:
            last = event.message.get("text", "")
    return results, last


async def _begun(url: str, bearer: str) -> None:
    async with (
        asyncio.timeout(15.0),
        aiohttp.ClientSession(headers={"Authorization": bearer}) as http,
    ):
        status = 404
        while status == 404:
            await asyncio.sleep(0.1)  # nobody is told when a session begins
            async with http.get(url) as response:
                status = response.status
