"""The numbers a session lives by. Frozen: a running session never sees them change."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.tracker import TrackerConfig
from models.voice.features import SILENCE_RMS


@dataclass(frozen=True)
class SessionConfig:
    """Of one session.

    Attributes:
        tick_interval_s: time between two messages.
        result_wait_s: how long a tick waits for its own results; later ones go into the next.
        silence_rms: windows of speech with a lower root mean square, in [0, 1], are skipped.
        min_window_s: sound needed before the first voice result.
        media_timeout_s: a session without any sound or picture for this long is ended.
        close_timeout_s: how long closing the connection may take.
        max_buffered_bytes: with more than this unsent in the data channel, messages are dropped.
        tracker: smoothing and fusion, where a session begins; its peer may change them.
    """

    tick_interval_s: float = 0.5
    result_wait_s: float = 0.1
    silence_rms: float = SILENCE_RMS
    min_window_s: float = 0.5
    media_timeout_s: float = 10.0
    close_timeout_s: float = 3.0
    max_buffered_bytes: int = 16_384
    tracker: TrackerConfig = field(default_factory=TrackerConfig)

    def __post_init__(self) -> None:
        if not 0 <= self.silence_rms <= 1:
            raise ValueError(f"silence_rms must be between 0 and 1, not {self.silence_rms}")


@dataclass(frozen=True)
class ServerConfig:
    """Of one process.

    Attributes:
        max_sessions: how many people at once; the next one is told to come back later.
        max_offer_bytes: largest body of an offer.
        retry_after_s: when to come back, told to those who found the server full.
        session: of each session.
    """

    max_sessions: int = 32
    max_offer_bytes: int = 65_536
    retry_after_s: int = 10
    session: SessionConfig = field(default_factory=SessionConfig)

    def __post_init__(self) -> None:
        if self.max_sessions < 1:
            raise ValueError(f"max_sessions must be at least 1, not {self.max_sessions}")
