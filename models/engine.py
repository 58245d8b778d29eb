"""The one inference thread of a process: what waits is taken in batches, none of them long."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import deque
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

_BATCH_S = 0.03
_IDLE_S = 2.0


class Predictor(Protocol[In_contra, Out_co]):
    """What the thread runs: a batch in, as many results out, in the same order."""

    def predict(self, batch: Sequence[In_contra]) -> Sequence[Out_co]: ...


@dataclass(frozen=True)
class _Request:
    subject: Any
    future: Future[Any]
    asked_at: float  # by time.perf_counter


class _Line:
    """Those who wait for one predictor, and how many of them are taken at once.

    One after another, the networks would find each time that their weights have left the cache;
    in a long batch, all would wait for the last.
    """

    def __init__(self, modality: str, predictor: Predictor[Any, Any]) -> None:
        self.observe: Callable[[str, float], None] | None = None
        self._modality = modality
        self._predictor = predictor
        self._waiting: deque[_Request] = deque()
        self._s_per_subject = 0.0
        self._delay_s = 0.0
        self._answered_at = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def delay_s(self) -> float:
        """How long it took of late from asking to the answer; 0 where nobody has asked of late."""
        is_idle = time.perf_counter() - self._answered_at > _IDLE_S
        return 0.0 if is_idle else self._delay_s

    def join(self, request: _Request) -> None:
        self._waiting.append(request)

    def serve_some(self) -> None:
        """Answer those in front: as many as take about ``_BATCH_S`` together, or one."""
        at_once = len(self._waiting)
        if self._s_per_subject:
            at_once = min(at_once, max(1, int(_BATCH_S / self._s_per_subject)))
        taken = [self._waiting.popleft() for _ in range(at_once)]
        # An asker that was cancelled meanwhile, as when its session ended, is passed over.
        asked = [each for each in taken if each.future.set_running_or_notify_cancel()]
        if not asked:
            return
        began_at = time.perf_counter()
        _answer(self._predictor, asked)
        ended_at = time.perf_counter()
        for request in asked:
            self._delay_s += (ended_at - request.asked_at - self._delay_s) / 16
        self._answered_at = ended_at
        taken_s = (ended_at - began_at) / len(asked)
        if self.observe is not None:
            for _ in asked:
                self.observe(self._modality, taken_s)
        self._s_per_subject += (taken_s - self._s_per_subject) / (8 if self._s_per_subject else 1)


class InferenceEngine:
    """Shared by all sessions; holds no state of any of them.

    Attributes:
        voice_gain: see ``models.smoothing.pooled``.

    Invariant: the predictors are called from the inference thread only, one call at a time.
    One thread is enough: more gained nothing, and the event loop stays responsive beside one.
    """

    def __init__(
        self,
        voice: Predictor[npt.NDArray[np.float32], Scores],
        face: Predictor[Look, FaceReading | None],
        voice_gain: float = 0.0,
    ) -> None:
        """Begin to serve; ``voice_gain`` is told to whoever averages what the voice gives."""
        self.voice_gain = voice_gain
        self._voice = _Line("voice", voice)
        self._face = _Line("face", face)
        self._closed = False
        self._asked: queue.SimpleQueue[tuple[_Line, _Request] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="inference", daemon=True)
        self._thread.start()

    @property
    def delay_s(self) -> float:
        """How long it took of late from asking to the answer."""
        return max(self._voice.delay_s, self._face.delay_s)

    def watch(self, observe: Callable[[str, float], None]) -> None:
        """Have ``observe`` called, in the inference thread, for each result.

        It is given "voice" or "face", and the seconds that the result took, of a batch its share.
        """
        self._voice.observe = self._face.observe = observe

    async def predict_voice(self, window: npt.NDArray[np.float32]) -> Scores:
        """Return the scores, shape (7,), of 0.5 to 1 s of sound, float32 in [-1, 1] at 16 kHz.

        Raises:
            Exception: what the predictor raised for this window; other windows are not affected.
        """
        scores: Scores = await self._ask(self._voice, window)
        return scores

    async def predict_face(self, picture: Look) -> FaceReading | None:
        """Return the reading of a picture, or None when it shows no face.

        Raises:
            Exception: what the picture's source or the predictor raised for this picture.
        """
        reading: FaceReading | None = await self._ask(self._face, picture)
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
        self._asked.put(None)
        self._thread.join()

    def _ask(self, line: _Line, subject: object) -> asyncio.Future[Any]:
        if self._closed:
            raise RuntimeError("the inference engine is closed")
        future: Future[Any] = Future()
        self._asked.put((line, _Request(subject, future, time.perf_counter())))
        return asyncio.wrap_future(future)

    def _serve(self) -> None:
        is_open = True
        while is_open or self._voice or self._face:
            while is_open and (not self._asked.empty() or not (self._voice or self._face)):
                asked = self._asked.get()
                if asked is None:
                    is_open = False
                else:
                    line, request = asked
                    line.join(request)
            for line in (self._voice, self._face):
                line.serve_some()


def _answer(predictor: Predictor[Any, Any], requests: Sequence[_Request]) -> None:
    """Run requests as a batch; if that fails, each alone, to spare the others."""
    try:
        results = predictor.predict([request.subject for request in requests])
        answered = list(zip(requests, results, strict=True))
    except Exception as error:  # noqa: BLE001  whatever a network raises belongs to its asker
        if len(requests) == 1:
            requests[0].future.set_exception(error)
            return
        for request in requests:
            _answer(predictor, [request])
        return
    for request, result in answered:
        request.future.set_result(result)
