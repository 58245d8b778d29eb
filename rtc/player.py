"""Play a recording to the live server's own observer, with the recording's time as its clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import av

from models.engine import InferenceEngine
from rtc.arrivals import Arrival
from rtc.audio import NewestSound
from rtc.config import SessionConfig
from rtc.moments import Moment
from rtc.observer import Observer
from rtc.recording import Recording, RecordingError
from rtc.video import NewestPicture

_TOLERANCE_S = 1e-6  # times are sums of fractions; a frame due at a tick belongs to it


class Player:
    """One recording and the observer of whom it shows.

    Each tick waits for its own results, as on a live server that is never late.
    """

    def __init__(
        self, recording: Recording, engine: InferenceEngine, config: SessionConfig
    ) -> None:
        self._recording = recording
        self._config = config
        self._now_s = 0.0
        self._ticks = 0
        self._heard = self._looked = False  # since the last tick
        self._observer = Observer(recording.path.name, engine, config, lambda: self._now_s)
        self._sound = self._observer.sound = NewestSound(lambda: self._now_s)
        self._pictures = self._observer.pictures = NewestPicture(lambda: self._now_s)

    async def moments(self) -> AsyncIterator[Moment]:
        """Yield what a live server would send, tick by tick, as fast as it can be computed.

        Raises:
            RecordingError: the recording cannot be decoded, or ends before the first tick.
        """
        for arrival in self._recording.arrivals():
            async for moment in self._due_before(arrival.at_s - _TOLERANCE_S):
                yield moment
            self._put(arrival)
        async for moment in self._due_before(self._recording.played_s + _TOLERANCE_S):
            yield moment
        if not self._ticks:
            raise RecordingError(
                f"it lasts {self._recording.played_s:.2f} s; "
                f"the first result takes {self._config.tick_interval_s:g} s"
            )

    async def _due_before(self, time_s: float) -> AsyncIterator[Moment]:
        while (due_s := (self._ticks + 1) * self._config.tick_interval_s) < time_s:
            self._now_s = due_s
            faces_before = self._observer.faces_found
            async with asyncio.TaskGroup() as tasks:
                await self._observer.tick(tasks)
            yield self._moment(found=self._observer.faces_found > faces_before)
            self._ticks += 1
            self._heard = self._looked = False

    def _put(self, arrival: Arrival) -> None:
        self._now_s = arrival.at_s
        if isinstance(arrival.frame, av.AudioFrame):
            self._sound.put(arrival.frame)
            self._heard = True
        else:
            self._pictures.put(arrival.frame)
            self._looked = True

    def _moment(self, *, found: bool) -> Moment:
        message = self._observer.message(self._ticks, round(self._now_s * 1000))
        return Moment(
            self._now_s,
            message,
            heard=self._heard,
            looked=self._looked,
            voiced=self._heard and message.audio_level >= self._config.silence_rms,
            found=found,
        )
