"""The wire schema, version 1: what the data channel carries, as dataclasses and JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from models.emotions import EMOTIONS
from models.tracker import Box, Estimate, Evidence
from rtc.clock import Capture
from rtc.reasons import Event, Fault

SCHEMA_VERSION = 1
CHANNEL_LABEL = "emotions"
_TOP = 5
_DIGITS = 4  # of a probability: a tenth of a permille is far below what any network knows


@dataclass(frozen=True, kw_only=True)
class Message:
    """What the server sends: one line of JSON, with the version of this schema and a ``type``."""

    version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """Return the message as one line of JSON."""
        return self._json

    @cached_property
    def _json(self) -> str:  # once, for all who are told
        return json.dumps(asdict(self), separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True)
class ModalityMessage:
    """One modality: probabilities in [0, 1] by emotion name, and the age of the newest evidence."""

    label: str
    probabilities: dict[str, float]
    age_ms: int


@dataclass(frozen=True)
class FaceMessage(ModalityMessage):
    """The face, with its box as shares of the picture's width and height."""

    box: Box


@dataclass(frozen=True)
class RankedEmotion:
    """One line of the top five."""

    label: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class EmotionMessage(Message):
    """What is sent at each tick.

    Attributes:
        sequence: 0, 1, 2, ... in each session; a gap is a message that was lost or dropped.
        time_ms: server's wall clock when sent, milliseconds since 1970-01-01 UTC.
        evidence: "both", "voice", "face" or "none": what ``fused`` rests on.
        voice, face, fused: None where there is no evidence.
        top5: the five most probable fused emotions, best first; empty without evidence.
        audio_level: root mean square of the newest half second of sound, in [0, 1].
        latency_ms: from the arrival of the newest picture (for voice alone: sound) whose result
            is new in this message until it was sent; None when nothing is new.
        picture_time_ms: where in its track that picture lies, counted from the first picture; None
            when no picture's result is new. A peer that knows when it sent what knows its age.
        sound_time_ms: the same for where the newest speech that was heard ends.
    """

    type: Literal["emotion"] = "emotion"
    sequence: int
    time_ms: int
    evidence: str
    voice: ModalityMessage | None
    face: FaceMessage | None
    fused: ModalityMessage | None
    top5: tuple[RankedEmotion, ...]
    audio_level: float
    latency_ms: int | None
    picture_time_ms: int | None
    sound_time_ms: int | None

    @classmethod
    def from_json(cls, text: str) -> EmotionMessage:
        """Read a message as a client does.

        Raises:
            ValueError: the text is no message of this version.
        """
        try:
            fields: dict[str, Any] = json.loads(text)
            if fields["version"] != SCHEMA_VERSION:
                raise ValueError(f"message version {fields['version']}, not {SCHEMA_VERSION}")
            if fields["type"] != "emotion":
                raise ValueError(f"a message of type {fields['type']}, not emotion")
            face = fields["face"]
            return cls(
                **{
                    **fields,
                    "voice": fields["voice"] and ModalityMessage(**fields["voice"]),
                    "face": face and FaceMessage(**{**face, "box": Box(**face["box"])}),
                    "fused": fields["fused"] and ModalityMessage(**fields["fused"]),
                    "top5": tuple(RankedEmotion(**line) for line in fields["top5"]),
                }
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not an emotion message: {error}") from error


@dataclass(frozen=True)
class SmoothingLimits:
    """The largest smoothing lengths that are accepted; the smallest is 1."""

    voice_smooth_k: int
    face_smooth_k: int


@dataclass(frozen=True, kw_only=True)
class SettingsMessage(Message):
    """The answer to a settings message that was applied: all that is in force now.

    Attributes:
        id: of the message answered.
        w_voice: how much the voice counts, in [0, 1]; the face has the rest.
        voice_smooth_k, face_smooth_k: how many results are averaged at most.
    """

    type: Literal["settings"] = "settings"
    id: int
    w_voice: float
    voice_smooth_k: int
    face_smooth_k: int
    most: SmoothingLimits


@dataclass(frozen=True, kw_only=True)
class RefusalMessage(Message):
    """The answer to a message that changed nothing.

    Attributes:
        id: of the message answered; None when it could not be read.
        reason: what is wrong with it, for a person to read.
    """

    type: Literal["refusal"] = "refusal"
    id: int | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class NoticeMessage(Message):
    """Something about the session that its person should know.

    Attributes:
        code: for programs. "stopping": the server ends soon; "over": this session ends now, and
            coming back is vain; "ended": it has ended, which those who watch it are told;
            "sound-stalled", "pictures-stalled": they arrive and cannot be
            decoded, and are begun anew; "voice-failed", "face-failed": that network fails for
            this person, and the other side goes on; "too-many-messages".
        text: for people.
    """

    type: Literal["notice"] = "notice"
    code: Event | Fault
    text: str


def message_from(  # noqa: PLR0913  a message has so many independent parts, each named
    estimate: Estimate,
    *,
    sequence: int,
    now: float,
    time_ms: int,
    audio_level: float,
    picture: Capture | None,
    sound: Capture | None,
) -> EmotionMessage:
    """Put an estimate into the wire schema.

    ``now`` is on the clock of the capture times in ``estimate``, in seconds; ``picture`` and
    ``sound`` are the newest whose results are new in this message.
    """
    newest_used = picture or sound
    voice, face, fused = estimate.voice, estimate.face, estimate.fused
    return EmotionMessage(
        sequence=sequence,
        time_ms=time_ms,
        evidence={
            (True, True): "both",
            (True, False): "voice",
            (False, True): "face",
            (False, False): "none",
        }[voice is not None, face is not None],
        voice=ModalityMessage(**_modality(voice, now)) if voice else None,
        face=FaceMessage(**_modality(face, now), box=_rounded(face.box))
        if face and face.box
        else None,
        fused=ModalityMessage(**_modality(fused, now)) if fused else None,
        top5=tuple(
            RankedEmotion(label, round(probability, _DIGITS))
            for label, probability in (fused.ranked(_TOP) if fused else ())
        ),
        audio_level=round(audio_level, _DIGITS),
        latency_ms=None if newest_used is None else round((now - newest_used.at) * 1000),
        picture_time_ms=_media_time_ms(picture),
        sound_time_ms=_media_time_ms(sound),
    )


def _media_time_ms(capture: Capture | None) -> int | None:
    return None if capture is None else round(capture.media_time_s * 1000)


def _modality(evidence: Evidence, now: float) -> dict[str, Any]:
    return {
        "label": evidence.label.value,
        "probabilities": {
            emotion.value: round(float(score), _DIGITS)
            for emotion, score in zip(EMOTIONS, evidence.scores, strict=True)
        },
        "age_ms": round((now - evidence.captured_at) * 1000),
    }


def _rounded(box: Box) -> Box:
    return Box(*(round(value, _DIGITS) for value in (box.x, box.y, box.width, box.height)))
