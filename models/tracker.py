"""What one person's voice and face have expressed of late: results in, one estimate out."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.emotions import EMOTIONS, Emotion, Scores
from models.fusion import FusionConfig, fuse
from models.smoothing import MovingAverage, SmoothingConfig


@dataclass(frozen=True)
class Box:
    """A face in its picture: shares of the picture's width and height, from the top left."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Evidence:
    """Smoothed or fused probabilities, and when the newest of their sources was captured."""

    scores: Scores
    captured_at: float
    box: Box | None = None  # of the newest face; None for voice and fused

    @property
    def label(self) -> Emotion:
        """The most probable emotion."""
        return EMOTIONS[int(self.scores.argmax())]

    def ranked(self, count: int) -> tuple[tuple[Emotion, float], ...]:
        """The ``count`` most probable emotions with their probabilities, best first."""
        order = sorted(range(len(EMOTIONS)), key=lambda index: -float(self.scores[index]))
        return tuple((EMOTIONS[index], float(self.scores[index])) for index in order[:count])


@dataclass(frozen=True)
class Estimate:
    """What the voice, the face and both together seem to express; None says "no evidence"."""

    voice: Evidence | None
    face: Evidence | None
    fused: Evidence | None


@dataclass(frozen=True)
class TrackerConfig:
    """Smoothing per modality and the fusion of both.

    A pause between two phrases does not end what the voice expressed, so voice is held for
    longer than a face, whose box would otherwise be drawn where nobody is any more.
    """

    voice: SmoothingConfig = field(default=SmoothingConfig(length=5, memory_s=4.0, hold_s=2.5))
    face: SmoothingConfig = field(default=SmoothingConfig(length=10, memory_s=6.0, hold_s=1.2))
    fusion: FusionConfig = field(default=FusionConfig())


class EmotionTracker:
    """Per-session state. Pure and synchronous: times are passed in, in seconds of any one clock.

    Attributes:
        config: what is in force; ``configure`` changes it.
    """

    def __init__(self, config: TrackerConfig, voice_gain: float = 0.0) -> None:
        """Begin with nothing known; ``voice_gain`` is the voice network's, see ``pooled``."""
        self.config = config
        self._voice = MovingAverage(config.voice, voice_gain)
        self._face = MovingAverage(config.face)
        self._box: Box | None = None

    def add_voice(self, scores: Scores, captured_at: float) -> None:
        """Take the scores, shape (7,), of a window whose last sample came at ``captured_at``."""
        self._voice.add(scores, captured_at)

    def add_face(self, scores: Scores, box: Box, captured_at: float) -> None:
        """Take the scores, shape (7,), of a face found at ``box`` in a frame."""
        self._face.add(scores, captured_at)
        if self._face.newest_at == captured_at:
            self._box = box

    def configure(self, config: TrackerConfig) -> None:
        """Go on with another configuration, from the next estimate, and with what is known."""
        self.config = config
        self._voice.configure(config.voice)
        self._face.configure(config.face)

    def estimate(self, now: float) -> Estimate:
        """Return what is known at ``now``."""
        voice = _evidence(self._voice, now)
        face = _evidence(self._face, now, self._box)
        scores = fuse(
            voice.scores if voice else None, face.scores if face else None, self.config.fusion
        )
        newest = max((e.captured_at for e in (voice, face) if e), default=now)
        fused = None if scores is None else Evidence(scores, newest)
        return Estimate(voice, face, fused)


def _evidence(average: MovingAverage, now: float, box: Box | None = None) -> Evidence | None:
    scores = average.mean(now)
    newest_at = average.newest_at
    if scores is None or newest_at is None:
        return None
    return Evidence(scores, newest_at, box)
