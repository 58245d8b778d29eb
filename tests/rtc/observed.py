"""Somebody to observe: sound, pictures, time and networks' answers, all played by the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import av
import numpy as np
import numpy.typing as npt

from models.emotions import Scores
from models.face.predictor import FaceReading, Look
from models.voice.features import SAMPLE_RATE_HZ
from rtc.audio import NewestSound
from rtc.config import SessionConfig
from rtc.messages import EmotionMessage
from rtc.observer import Observer
from rtc.video import NewestPicture

_LOUD = 0.25  # of full scale, far above silence


class ScriptedEngine:
    """Keeps what it is asked, and answers when the test resolves the request's future."""

    voice_gain = 0.0

    def __init__(self) -> None:
        self.windows: list[npt.NDArray[np.float32]] = []
        self.pictures: list[Look] = []
        self.asked: dict[str, list[asyncio.Future]] = {"voice": [], "face": []}

    async def predict_voice(self, window: npt.NDArray[np.float32]) -> Scores:
        self.windows.append(window)
        return await self._answer("voice")

    async def predict_face(self, picture: Look) -> FaceReading | None:
        self.pictures.append(picture)
        return await self._answer("face")

    def _answer(self, kind: str) -> asyncio.Future:
        self.asked[kind].append(asyncio.get_running_loop().create_future())
        return self.asked[kind][-1]


class Person:
    """Somebody observed, whose sound, pictures, time and networks the test plays."""

    def __init__(self, tasks: asyncio.TaskGroup, config: SessionConfig) -> None:
        self.now_s = 100.0
        self.engine = ScriptedEngine()
        self.observer = Observer("somebody", self.engine, config, lambda: self.now_s)
        self.observer.sound = NewestSound(lambda: self.now_s)
        self.observer.pictures = NewestPicture(lambda: self.now_s)
        self._tasks = tasks

    def come(self, kind: str) -> None:
        """Have a second of sound or a picture arrive."""
        self.speak() if kind == "voice" else self.show()

    def speak(self, level: float = _LOUD, duration_s: float = 1.0) -> None:
        count = int(duration_s * SAMPLE_RATE_HZ)
        samples = np.full((1, count), round(level * 32768), np.int16)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        self.observer.sound.put(frame)

    def show(self, level: int = 128) -> None:
        picture = np.full((48, 64, 3), level, np.uint8)
        self.observer.pictures.put(av.VideoFrame.from_ndarray(picture, format="rgb24"))

    async def ask(self) -> None:
        """Tick, without waiting for answers longer than the configuration says."""
        await self.observer.tick(self._tasks)

    async def answer(self, kind: str, answer: object) -> None:
        """Resolve the newest request of a kind, and let the observer take the answer."""
        future = self.engine.asked[kind][-1]
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
        for _ in range(5):  # turns of the loop until all that an answer sets off has happened
            await asyncio.sleep(0)

    async def asked_and_answered(self, kind: str, answer: object) -> None:
        """Have one kind arrive, asked about and answered half a second later."""
        self.come(kind)
        self.now_s += 0.5
        await self.ask()
        await self.answer(kind, answer)

    def told(self) -> EmotionMessage:
        return self.observer.message(0, 0)


@asynccontextmanager
async def observed(result_wait_s: float = 0.0) -> AsyncIterator[Person]:
    """Observe somebody; in the end, as when a session ends, what is unanswered is dropped."""
    async with asyncio.TaskGroup() as tasks:
        person = Person(tasks, SessionConfig(result_wait_s=result_wait_s))
        yield person
        for future in (*person.engine.asked["voice"], *person.engine.asked["face"]):
            future.cancel()
