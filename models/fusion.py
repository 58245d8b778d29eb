"""Late fusion of voice and face: ``final = w_voice * voice + (1 - w_voice) * face``."""

from __future__ import annotations

from dataclasses import dataclass

from models.emotions import Scores


@dataclass(frozen=True)
class FusionConfig:
    """How much the voice counts, in [0, 1]; the face has the rest."""

    w_voice: float = 0.6

    def __post_init__(self) -> None:
        if not 0 <= self.w_voice <= 1:
            raise ValueError(f"w_voice must be between 0 and 1, not {self.w_voice}")


def fuse(voice: Scores | None, face: Scores | None, config: FusionConfig) -> Scores | None:
    """Return fused probabilities; where one side is None the other stands alone."""
    if voice is None:
        return face
    if face is None:
        return voice
    fused: Scores = config.w_voice * voice + (1 - config.w_voice) * face
    return fused.astype(voice.dtype, copy=False)
