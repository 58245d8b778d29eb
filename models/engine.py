"""The one inference thread of a process: what waits is taken as one batch."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from models.emotions import Scores
from models.face.predictor import FaceReading, Look
from models.voice.features import WINDOW_SAMPLES

In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)


class Predictor(Protocol[In_contra, Out_co]):
    """What the thread runs: a batch in, as many results out, in the same order."""

    def predict(self, batch: Sequence[In_contra]) -> Sequence[Out_co]: ...


@dataclass(frozen=True)
class _Request:
    predict: Callable[[Sequence[Any]], Sequence[Any]]
    subject: Any
    future: Future[Any]


class InferenceEngine:
    """Shared by all sessions; holds no state of any of them.

    Invariant: the predictors are called from the inference thread only, one call at a time.
    One thread is enough: more gained nothing, and the event loop stays responsive beside one.
    """

    def __init__(
        self,
        voice: Predictor[npt.NDArray[np.float32], Scores],
        face: Predictor[Look, FaceReading | None],
    ) -> None:
        self._voice = voice
        self._face = face
        self._closed = False
        self._waiting: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="inference", daemon=True)
        self._thread.start()

    async def predict_voice(self, window: npt.NDArray[np.float32]) -> Scores:
        """Return the scores, shape (7,), of 0.5 to 1 s of sound, float32 in [-1, 1] at 16 kHz.

        Raises:
            Exception: what the predictor raised for this window; other windows are not affected.
        """
        scores: Scores = await self._ask(self._voice.predict, window)
        return scores

    async def predict_face(self, picture: Look) -> FaceReading | None:
        """Return the reading of a picture, or None when it shows no face.

        Raises:
            Exception: what the picture's source or the predictor raised for this picture.
        """
        reading: FaceReading | None = await self._ask(self._face.predict, picture)
        return reading

    async def warm_up(self) -> None:
        """Run each predictor once, so that the first person does not wait for lazy set-up."""
        noise = np.random.default_rng(0).standard_normal(WINDOW_SAMPLES).astype(np.float32) * 0.1
        grey = np.full((480, 640, 3), 128, np.uint8)
        await self.predict_voice(noise)
        await self.predict_face(Look(lambda: grey))

    def close(self) -> None:
        """Finish what waits and end the thread; later requests raise RuntimeError."""
        self._closed = True
        self._waiting.put(None)
        self._thread.join()

    def _ask(
        self, predict: Callable[[Sequence[Any]], Sequence[Any]], subject: object
    ) -> asyncio.Future[Any]:
        if self._closed:
            raise RuntimeError("the inference engine is closed")
        future: Future[Any] = Future()
        self._waiting.put(_Request(predict, subject, future))
        return asyncio.wrap_future(future)

    def _serve(self) -> None:
        while True:
            waiting = [self._waiting.get()]
            while not self._waiting.empty():
                waiting.append(self._waiting.get())
            # An asker that was cancelled meanwhile, as when its session ended, is passed over.
            asked = [r for r in waiting if r and r.future.set_running_or_notify_cancel()]
            for predict in (self._voice.predict, self._face.predict):
                _answer([r for r in asked if r.predict == predict])
            if None in waiting:
                return


def _answer(requests: Sequence[_Request]) -> None:
    """Run requests for one predictor as a batch; if that fails, each alone, to spare the others."""
    if not requests:
        return
    try:
        results = requests[0].predict([request.subject for request in requests])
        answered = list(zip(requests, results, strict=True))
    except Exception as error:  # noqa: BLE001  whatever a network raises belongs to its asker
        if len(requests) == 1:
            requests[0].future.set_exception(error)
            return
        for request in requests:
            _answer([request])
        return
    for request, result in answered:
        request.future.set_result(result)
