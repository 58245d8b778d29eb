"""The inference thread: what waits is one batch, and each result goes to its asker."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from models.engine import InferenceEngine

pytestmark = pytest.mark.timeout(30)  # a request that is never answered should fail soon

Subject = npt.NDArray[np.float32]
_PATIENCE_S = 20.0
BAD = np.float32(-1)


class Doubler:
    """Doubles its subjects, refuses BAD, and can be made to wait: `gate` is open at first."""

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        self.threads: set[str] = set()

    def predict(self, batch: Sequence[Subject]) -> list[Subject]:
        self.threads.add(threading.current_thread().name)
        self.batches.append([float(subject) for subject in batch])
        self.entered.set()
        assert self.gate.wait(_PATIENCE_S)
        if any(subject == BAD for subject in batch):
            raise ValueError("a bad subject")
        return [subject * 2 for subject in batch]


@pytest.fixture
def voice() -> Doubler:
    return Doubler()


@pytest.fixture
def face() -> Doubler:
    return Doubler()


@pytest.fixture
def busy(voice: Doubler, face: Doubler) -> Iterator[InferenceEngine]:
    """Give an engine that is closed in any case when the test ends."""
    engine = InferenceEngine(voice, face)
    yield engine
    voice.gate.set()
    face.gate.set()
    engine.close()


def subject(number: float) -> Subject:
    return np.array(number, np.float32)


async def occupied(engine: InferenceEngine, voice: Doubler) -> asyncio.Task[Subject]:
    """Have the thread wait at the gate with subject 0; what is asked meanwhile queues up."""
    voice.gate.clear()
    first = asyncio.create_task(engine.predict_voice(subject(0)))
    assert await asyncio.to_thread(voice.entered.wait, _PATIENCE_S)
    return first


async def opened(doubler: Doubler) -> None:
    """Open the gate; as the last of a gather, after the others have asked."""
    doubler.gate.set()


async def test_waiting_requests_are_one_batch(busy: InferenceEngine, voice: Doubler, face: Doubler):
    """Requests that wait together are taken as one batch per predictor, in the order of asking."""
    first = await occupied(busy, voice)
    one, two, three, seen, _ = await asyncio.gather(
        busy.predict_voice(subject(1)),
        busy.predict_voice(subject(2)),
        busy.predict_voice(subject(3)),
        busy.predict_face(subject(7)),
        opened(voice),
    )
    assert voice.batches == [[0], [1, 2, 3]]
    assert face.batches == [[7]]
    assert [await first, one, two, three, seen] == [0, 2, 4, 6, 14]


async def test_one_thread_for_both(busy: InferenceEngine, voice: Doubler, face: Doubler):
    """Both predictors run in the thread named inference, never in the event loop's."""
    await asyncio.gather(busy.predict_voice(subject(1)), busy.predict_face(subject(2)))
    assert voice.threads == face.threads == {"inference"}


async def test_raising_subject(busy: InferenceEngine, voice: Doubler):
    """One subject that raises gets its error; the others of its batch get their results."""
    await occupied(busy, voice)
    one, bad, two, _ = await asyncio.gather(
        busy.predict_voice(subject(1)),
        busy.predict_voice(subject(BAD)),
        busy.predict_voice(subject(2)),
        opened(voice),
        return_exceptions=True,
    )
    assert voice.batches[1] == [1, -1, 2]
    assert (one, two) == (2, 4)
    assert isinstance(bad, ValueError)
    assert str(bad) == "a bad subject"
    assert await busy.predict_voice(subject(3)) == 6


async def test_cancelled_asker(busy: InferenceEngine, voice: Doubler):
    """The subject of an asker that was cancelled while it waited is never predicted."""
    await occupied(busy, voice)
    cancelled = asyncio.create_task(busy.predict_voice(subject(1)))
    asked_after = asyncio.create_task(busy.predict_voice(subject(2)))
    await asyncio.sleep(0)  # both ask
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    voice.gate.set()
    assert await asked_after == 4
    assert voice.batches == [[0], [2]]


async def test_cancelled_while_it_runs(busy: InferenceEngine, voice: Doubler):
    """An asker that is cancelled while its subject is predicted does not harm the thread."""
    first = await occupied(busy, voice)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    voice.gate.set()
    assert await busy.predict_voice(subject(4)) == 8


async def test_close(busy: InferenceEngine, voice: Doubler, face: Doubler):
    """Closing finishes what waits and ends the thread; a later request raises RuntimeError."""
    first = await occupied(busy, voice)
    second = asyncio.create_task(busy.predict_face(subject(1)))
    await asyncio.sleep(0)  # it asks
    closing = asyncio.create_task(asyncio.to_thread(busy.close))
    await opened(voice)
    await closing
    assert [await first, await second] == [0, 2]
    assert not busy._thread.is_alive()
    with pytest.raises(RuntimeError, match="closed"):
        await busy.predict_voice(subject(2))
    with pytest.raises(RuntimeError, match="closed"):
        await busy.predict_face(subject(2))
    assert face.batches == [[1]]


async def test_delay_is_that_of_late(
    busy: InferenceEngine, voice: Doubler, monkeypatch: pytest.MonkeyPatch
):
    """Who waits long is counted, and once nobody has asked for a while nobody is."""
    assert busy.delay_s == 0
    first = await occupied(busy, voice)
    await asyncio.sleep(0.2)
    voice.gate.set()
    await first
    async with asyncio.timeout(5):
        while not busy.delay_s:  # noqa: ASYNC110  the thread sets no event when it has worked it out
            await asyncio.sleep(0.01)
    assert 0.2 / 16 <= busy.delay_s < 1
    monkeypatch.setattr("models.engine._IDLE_S", 0.0)
    assert busy.delay_s == 0


def test_close_twice(busy: InferenceEngine):
    """Closing again does nothing."""
    busy.close()
    busy.close()
    assert not busy._thread.is_alive()


async def test_warm_up():
    """Warming up gives each predictor one second of sound and one picture."""
    heard: list[tuple[int, ...]] = []
    seen: list[tuple[int, ...]] = []

    class Ear:
        def predict(self, batch: Sequence[Subject]) -> list[Subject]:
            heard.extend(window.shape for window in batch)
            return list(batch)

    class Eye:
        def predict(self, batch: Sequence[object]) -> list[None]:
            seen.extend(look.rgb().shape for look in batch)
            return [None] * len(batch)

    engine = InferenceEngine(Ear(), Eye())
    await engine.warm_up()
    engine.close()
    assert heard == [(16_000,)]
    assert seen == [(480, 640, 3)]
