"""What an evaluation found, for voice, face and fused, as lines of text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.config import EvalConfig
from eval.datasets import DataError
from eval.metrics import Accuracy, accuracy
from eval.scoring import Scored, by_majority, score_face, score_fused, score_voice
from models.fusion import FusionConfig
from models.loading import LoadedModels

_MAX_BROKEN_SHARE = 0.05
_MODALITIES = ("voice", "face", "fused")


@dataclass(frozen=True)
class Outcome:
    """One modality.

    Attributes:
        modality: "voice", "face", "fused", or "FER+" for the face by other people's labels.
        scored: what was scored; None where nothing could be.
        reason: why nothing could be scored, else "".
        broken: files that could not be read.
    """

    modality: str
    scored: Scored | None
    reason: str = ""
    broken: tuple[Path, ...] = ()

    @property
    def too_broken(self) -> bool:
        """Whether more than 5 % of the files could not be read."""
        share = self.scored.broken_share if self.scored else float(bool(self.broken))
        return share > _MAX_BROKEN_SHARE


def evaluate(
    config: EvalConfig, models: LoadedModels, fusion: FusionConfig, silence_rms: float
) -> list[Outcome]:
    """Measure voice, face and fused, each where its data is, with the settings that are served."""
    voice = _outcome("voice", lambda: score_voice(config, models, silence_rms))
    face = _outcome("face", lambda: score_face(config, models))
    fused = Outcome("fused", None, "needs both voice and face")
    seen = face.scored
    if (heard := voice.scored) and seen:
        fused = _outcome("fused", lambda: score_fused(heard, seen, config, fusion))
    outcomes = [voice, face, fused]
    if seen:
        by_voters = _outcome("FER+", lambda: by_majority(seen, config))
        # Few have the votes; without them there is nothing to say.
        outcomes += [by_voters] if by_voters.scored else []
    return outcomes


def lines(outcomes: Sequence[Outcome]) -> list[str]:
    """Return one line of text for each outcome."""
    return [
        f"{outcome.modality:5}  {_figures(outcome.scored)}"
        if outcome.scored
        else f"{outcome.modality:5}  not measured: {outcome.reason}"
        for outcome in outcomes
    ]


def as_json(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any] | None]:
    """Return modality -> figures, shares in [0, 1]; None for what was not measured."""
    return {
        outcome.modality: _accuracy(outcome.scored) | {"protocol": outcome.scored.protocol}
        if outcome.scored
        else None
        for outcome in outcomes
        if outcome.modality in _MODALITIES
    }


def rows(outcomes: Sequence[Outcome]) -> list[dict[str, object]]:
    """Return a row of figures for each outcome that was measured, for a table with a date."""
    table: list[dict[str, object]] = []
    for outcome in outcomes:
        if outcome.scored:
            figures = _accuracy(outcome.scored)
            low, high = figures.pop("ci95")
            interval = {"ci95_low": low, "ci95_high": high}
            protocol = {"protocol": outcome.scored.protocol}
            table.append({"modality": outcome.modality, **figures, **interval, **protocol})
    return table


def warnings(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a line for each broken file, and one for each modality that has too many."""
    text = []
    for outcome in outcomes:
        text += [f"warning: {path} cannot be read and is skipped" for path in outcome.broken]
        if outcome.too_broken:
            text.append(
                f"error: {len(outcome.broken)} files for {outcome.modality} cannot be read, more "
                f"than {_MAX_BROKEN_SHARE:.0%}; get them anew"
            )
    return text


def _outcome(modality: str, score: Callable[[], Scored]) -> Outcome:
    try:
        scored = score()
    except DataError as error:
        return Outcome(modality, None, str(error), error.broken)
    return Outcome(modality, scored, broken=scored.broken)


def _figures(scored: Scored) -> str:
    found = accuracy(scored.scores, scored.labels, scored.parts)
    low, high = found.ci95
    unread = f"; {len(scored.broken)} could not be read" if scored.broken else ""
    return (
        f"top-1 {found.top1:6.1%} (95 %: {low:.1%} to {high:.1%})  top-5 {found.top5:6.1%}  "
        f"balanced {found.balanced:6.1%}  ECE {found.ece:.3f}  n {found.n}  "
        f"({scored.protocol}{unread})"
    )


def _accuracy(scored: Scored) -> dict[str, Any]:
    found: Accuracy = accuracy(scored.scores, scored.labels, scored.parts)
    return asdict(found)
