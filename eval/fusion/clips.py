"""Recordings with voice and face, replayed through the live path under each condition."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.fusion.altered import AlteredRecording
from eval.fusion.cases import DEGRADED
from eval.fusion.rules import Case
from models.emotions import EMOTIONS, Emotion, Scores, emotion_named
from models.engine import InferenceEngine
from models.loading import LoadedModels, start_engine
from rtc.config import SessionConfig
from rtc.messages import EmotionMessage, ModalityMessage
from rtc.player import Player
from rtc.recording import Recording, RecordingError


@dataclass(frozen=True)
class _Clip:
    number: int
    path: Path
    label: int


def labelled_clips(folder: Path) -> list[tuple[Path, Emotion]]:
    """List the recordings whose names begin with an emotion, as ``angry_man.mp4`` does."""
    found = []
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        try:
            found.append((path, emotion_named(path.stem.partition("_")[0])))
        except ValueError:
            continue
    return found


async def clip_cases(folder: Path, models: LoadedModels, seed: int) -> list[Case]:
    """Return a case for each condition, of all half seconds of the clips that have both sides.

    Clips that cannot be read, or that never show both, are named on standard error.
    """
    clips = [
        _Clip(number, path, EMOTIONS.index(emotion))
        for number, (path, emotion) in enumerate(labelled_clips(folder))
    ]
    engine = await start_engine(models)
    try:
        whole = [clip for clip in clips if await _has_both_sides(clip.path, engine)]
        return [
            await _case(condition, whole, engine, seed) for condition in (DEGRADED if whole else ())
        ]
    finally:
        engine.close()


async def messages(recording: Recording, engine: InferenceEngine) -> list[EmotionMessage]:
    """Return what a live server would send of a recording, tick by tick.

    Raises:
        RecordingError: it cannot be decoded, or ends before the first tick.
    """
    player = Player(recording, engine, SessionConfig())
    return [moment.message async for moment in player.moments()]


async def _has_both_sides(path: Path, engine: InferenceEngine) -> bool:
    try:
        plain = await messages(Recording(path), engine)
    except RecordingError as error:
        print(f"{path}: left out: {error}", file=sys.stderr)
        return False
    if any(message.evidence == "both" for message in plain):
        return True
    print(f"{path}: left out, it never has voice and face at once", file=sys.stderr)
    return False


async def _case(condition: str, clips: list[_Clip], engine: InferenceEngine, seed: int) -> Case:
    moments = []
    for clip in clips:
        recording = AlteredRecording(clip.path, *DEGRADED[condition], seed)
        said = await messages(recording, engine)
        moments += [(message, clip) for message in said if message.evidence != "none"]
    return Case(
        data="clips",
        condition=condition,
        voice=np.stack([_scores(message.voice) for message, _ in moments]),
        face=np.stack([_scores(message.face) for message, _ in moments]),
        heard=np.array([message.voice is not None for message, _ in moments]),
        seen=np.array([message.face is not None for message, _ in moments]),
        labels=np.array([clip.label for _, clip in moments], np.int64),
        half=np.full(len(moments), -1, np.int64),
        clip=np.array([clip.number for _, clip in moments], np.int64),
        picture=np.arange(len(moments)),
    )


def _scores(evidence: ModalityMessage | None) -> Scores:
    said = evidence.probabilities if evidence else dict.fromkeys(EMOTIONS, 0.0)
    return np.array([said[emotion] for emotion in EMOTIONS], np.float32)
