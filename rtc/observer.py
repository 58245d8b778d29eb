"""One person, as the networks and the tracker see them: the same live and in a recording."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from models.emotions import Scores
from models.engine import InferenceEngine
from models.face.predictor import Look
from models.tracker import EmotionTracker
from models.voice.features import SAMPLE_RATE_HZ
from models.voice.speech import HEARD_SAMPLES, Speech, newest_speech
from rtc.audio import NewestSound
from rtc.clock import Capture, Clock
from rtc.config import SessionConfig
from rtc.messages import (
    EmotionMessage,
    RefusalMessage,
    SettingsMessage,
    message_from,
)
from rtc.reasons import Fault
from rtc.settings import SettingsError, changed, limits_of, read_request, settings_message
from rtc.video import LatestFrame, NewestPicture, PictureReceiver, UndecodableError

_log = logging.getLogger(__name__)


@dataclass
class _Asked:
    """The one request that a modality may have under way, and what it has answered so far."""

    task: asyncio.Task[None] | None = None
    failed: bool = False

    @property
    def busy(self) -> bool:
        return self.task is not None and not self.task.done()


class Observer:
    """Asks the engine about one person's newest sound and picture, and tracks the answers.

    Attributes:
        sound: where sound arrives; None while there is none to come.
        pictures: where pictures arrive; None while there are none to come.
        late: requests skipped because the one before, of the same kind, was still under way.
        faces_found: pictures that turned out to show a face.
    """

    def __init__(
        self, name: str, engine: InferenceEngine, config: SessionConfig, clock: Clock
    ) -> None:
        """Observe with ``clock`` for the times of capture; ``name`` is for the log."""
        self.sound: NewestSound | None = None
        self.pictures: NewestPicture | PictureReceiver | None = None
        self.late = 0
        self.faces_found = 0
        self._name = name
        self._engine = engine
        self._config = config
        self._clock = clock
        self._tracker = EmotionTracker(config.tracker, engine.voice_gain)
        self._limits = limits_of(config)
        self._samples_used = 0
        self._looks = 0
        self._new_sound: Capture | None = None  # first used since the last message
        self._new_picture: Capture | None = None  # the same
        self._faults: list[tuple[Fault, str]] = []
        self._voice_asked = _Asked()
        self._face_asked = _Asked()

    @property
    def newest_at(self) -> float | None:
        """When the newest sound or picture arrived, in the clock's seconds, or None."""
        sources = (self.sound, self.pictures)
        arrivals = [source.captured_at for source in sources if source is not None]
        return max((at for at in arrivals if at is not None), default=None)

    async def tick(self, tasks: asyncio.TaskGroup) -> None:
        """Ask about what is new, in ``tasks``, and give the answers ``result_wait_s`` to come."""
        self._ask_voice(tasks)
        self._ask_face(tasks)
        asked = (self._voice_asked, self._face_asked)
        unanswered = [a.task for a in asked if a.task is not None and a.busy]
        if unanswered:
            await asyncio.wait(unanswered, timeout=self._config.result_wait_s)

    def message(self, sequence: int, time_ms: int) -> EmotionMessage:
        """Return what is known now; ``time_ms`` is put into the message as it is."""
        now = self._clock()
        picture, sound = self._new_picture, self._new_sound
        self._new_picture = self._new_sound = None
        return message_from(
            self._tracker.estimate(now),
            sequence=sequence,
            now=now,
            time_ms=time_ms,
            audio_level=self.sound.level(now) if self.sound else 0.0,
            picture=picture,
            sound=sound,
        )

    @property
    def is_looking(self) -> bool:
        """Whether a picture is decoded or looked at now."""
        return self._face_asked.busy

    def take_faults(self) -> list[tuple[Fault, str]]:
        """Return what has failed and the peer has not been told, with a text for people."""
        taken, self._faults = self._faults, []
        return taken

    def answer(self, received: str | bytes) -> SettingsMessage | RefusalMessage:
        """Change the settings as the peer asks, from the next message on; answer either way."""
        try:
            request = read_request(received, self._limits)
        except SettingsError as error:
            return RefusalMessage(id=error.request_id, reason=str(error))
        self._tracker.configure(changed(self._tracker.config, request))
        return settings_message(request.id, self._tracker.config, self._limits)

    def _ask_voice(self, tasks: asyncio.TaskGroup) -> None:
        sound = self.sound
        if sound is None or sound.captured_at is None:
            return
        if (speech := self._new_speech(sound)) is None:
            return
        if self._voice_asked.busy:
            self.late += 1
            return
        self._samples_used = sound.window.added
        # What was heard ends where speech did: that is what the result tells of.
        capture = Capture(
            sound.captured_at - speech.ended_ago_s, sound.media_time_s - speech.ended_ago_s
        )
        self._voice_asked.task = tasks.create_task(
            self._predict_voice(speech.samples, capture),
            name=f"{self._name} voice",
        )

    def _new_speech(self, sound: NewestSound) -> Speech | None:
        """Return the newest second of speech; None when nothing is new, or too short, or silent."""
        if sound.window.added == self._samples_used:
            return None
        if sound.window.filled < self._config.min_window_s * SAMPLE_RATE_HZ:
            return None
        return newest_speech(sound.window.newest(HEARD_SAMPLES), self._config.silence_rms)

    def _ask_face(self, tasks: asyncio.TaskGroup) -> None:
        if self.pictures is None or not self.pictures.waiting:
            return
        if self._face_asked.busy:
            self.late += 1
            return
        if (frame := self.pictures.take()) is not None:
            self._face_asked.task = tasks.create_task(
                self._predict_face(frame), name=f"{self._name} face"
            )

    async def _predict_voice(self, window: npt.NDArray[np.float32], capture: Capture) -> None:
        try:
            scores = _finite(await self._engine.predict_voice(window))
        except Exception:  # noqa: BLE001  one person's window must not end their session
            self._on_failure(self._voice_asked, "voice")
            return
        self._new_sound = capture
        self._tracker.add_voice(scores, capture.at)

    async def _predict_face(self, frame: LatestFrame) -> None:
        try:
            look = Look(frame.rgb, mirrored=self._looks % 2 == 1)
            self._looks += 1
            reading = await self._engine.predict_face(look)
            if reading is not None:
                _finite(reading.scores)
        except UndecodableError:
            return  # the peer is asked for a key frame, and told if that does not help
        except Exception:  # noqa: BLE001  one person's picture must not end their session
            self._on_failure(self._face_asked, "face")
            return
        self._new_picture = frame.capture
        if reading is not None:
            self.faces_found += 1
            self._tracker.add_face(reading.scores, reading.box, frame.capture.at)

    def _on_failure(self, asked: _Asked, modality: Literal["voice", "face"]) -> None:
        if not asked.failed:
            asked.failed = True
            _log.exception("%s: the %s predictor failed", self._name, modality)
            text = f"The {modality} network fails on what you send; the other side goes on."
            fault: Fault = "voice-failed" if modality == "voice" else "face-failed"
            self._faults.append((fault, text))


def _finite(scores: Scores) -> Scores:
    """Return ``scores``; a network that gives none or infinite ones has failed."""
    if not np.isfinite(scores).all():
        raise ValueError("the network gave scores that are no numbers")
    return scores
