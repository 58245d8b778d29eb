"""What the moments of a recording come to."""

from __future__ import annotations

import numpy as np

from models.emotions import EMOTIONS, Scores
from models.tracker import Box, Estimate, Evidence
from rtc.messages import message_from
from rtc.moments import Moment, Tally, TrackSummary


def _scores(leading: str) -> Scores:
    return np.array([0.64 if emotion == leading else 0.06 for emotion in EMOTIONS], np.float32)


def _moment(time_s: float, voice: str | None, face: str | None, *, looked: bool = True) -> Moment:
    heard = Evidence(_scores(voice), time_s) if voice else None
    seen = Evidence(_scores(face), time_s, Box(0.1, 0.2, 0.3, 0.4)) if face else None
    message = message_from(
        Estimate(heard, seen, heard or seen),
        sequence=0,
        now=time_s,
        time_ms=round(time_s * 1000),
        audio_level=0.05,
        picture=None,
        sound=None,
    )
    return Moment(time_s, message, heard=True, looked=looked, voiced=bool(voice), found=bool(face))


def test_leaders_and_means_are_of_the_moments_with_evidence() -> None:
    """A moment without a face lowers neither the share of the leading label nor the means."""
    tally = Tally()
    for moment in (
        _moment(0.5, None, None, looked=False),
        _moment(1.0, None, "sad"),
        _moment(1.5, "angry", "happy"),
        _moment(2.0, "angry", "happy"),
    ):
        tally.add(moment)
    summary = tally.summary(2.12345)
    assert (summary.duration_s, summary.moments) == (2.123, 4)
    assert (summary.voiced_share, summary.face_found_share) == (0.5, 1.0)
    others = dict.fromkeys(map(str, EMOTIONS), 0.06)
    assert summary.voice == TrackSummary("angry", 1.0, others | {"angry": 0.64})
    assert summary.face == TrackSummary("happy", 0.6667, others | {"happy": 0.4467, "sad": 0.2533})
    assert summary.fused is not None
    assert summary.fused.share == 0.6667


def test_what_never_was_is_none() -> None:
    """Without sound, pictures or evidence there is no share and no label."""
    summary = Tally().summary(0.0)
    assert (summary.voice, summary.face, summary.fused) == (None, None, None)
    assert (summary.voiced_share, summary.face_found_share) == (None, None)
