"""What a recording says at each tick, and what all its ticks come to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from models.emotions import EMOTIONS
from rtc.messages import EmotionMessage, ModalityMessage

TRACKS = ("voice", "face", "fused")
_DIGITS = 4  # of a share, as in messages


@dataclass(frozen=True)
class Moment:
    """What a live server would have sent at one tick.

    Attributes:
        time_s: since the recording's first frame.
        message: as it would have been sent.
        heard, looked: whether sound, a picture, came since the tick before.
        voiced: whether that sound's newest half second was above silence.
        found: whether that picture showed a face.
    """

    time_s: float
    message: EmotionMessage
    heard: bool
    looked: bool
    voiced: bool
    found: bool


@dataclass(frozen=True)
class TrackSummary:
    """Voice, face or both fused, over those moments that have such evidence.

    Attributes:
        label: the one that leads most often.
        share: how often, in [0, 1].
        probabilities: the mean, in [0, 1] by emotion name.
    """

    label: str
    share: float
    probabilities: dict[str, float]


@dataclass(frozen=True)
class RecordingSummary:
    """All moments of a recording. Shares are in [0, 1]; what cannot be said is None.

    Attributes:
        duration_s: from the first frame to the end of the last.
        moments: ticks, two a second.
        voice, face, fused: None where no moment has such evidence.
        voiced_share: of the moments with sound, those whose newest half second is above silence.
        face_found_share: of the pictures looked at, those that show a face.
    """

    duration_s: float
    moments: int
    voice: TrackSummary | None
    face: TrackSummary | None
    fused: TrackSummary | None
    voiced_share: float | None
    face_found_share: float | None


class Tally:
    """Counts moments; what it keeps does not grow with them."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._voice, self._face, self._fused = _TrackTally(), _TrackTally(), _TrackTally()

    def add(self, moment: Moment) -> None:
        """Count the next moment."""
        self._counts.update(
            moments=1,
            heard=moment.heard,
            looked=moment.looked,
            voiced=moment.voiced,
            found=moment.found,
        )
        self._voice.add(moment.message.voice)
        self._face.add(moment.message.face)
        self._fused.add(moment.message.fused)

    def summary(self, duration_s: float) -> RecordingSummary:
        """Return what the moments so far come to; the recording lasts ``duration_s``."""
        counts = self._counts
        return RecordingSummary(
            duration_s=round(duration_s, 3),
            moments=counts["moments"],
            voice=self._voice.summary(),
            face=self._face.summary(),
            fused=self._fused.summary(),
            voiced_share=_share(counts["voiced"], counts["heard"]),
            face_found_share=_share(counts["found"], counts["looked"]),
        )


class _TrackTally:
    def __init__(self) -> None:
        self._labels: Counter[str] = Counter()
        self._sums = dict.fromkeys((emotion.value for emotion in EMOTIONS), 0.0)

    def add(self, evidence: ModalityMessage | None) -> None:
        if evidence is None:
            return
        self._labels[evidence.label] += 1
        for emotion, probability in evidence.probabilities.items():
            self._sums[emotion] += probability

    def summary(self) -> TrackSummary | None:
        total = self._labels.total()
        if not total:
            return None
        label, count = self._labels.most_common(1)[0]
        means = {emotion: round(s / total, _DIGITS) for emotion, s in self._sums.items()}
        return TrackSummary(label, round(count / total, _DIGITS), means)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, _DIGITS) if whole else None
