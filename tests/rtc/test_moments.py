"""What the moments of a recording come to."""

from __future__ import annotations

from models.emotions import EMOTIONS
from rtc.moments import Tally, TrackSummary
from tests.rtc.results import moment_of


def test_leaders_and_means_are_of_the_moments_with_evidence() -> None:
    """A moment without a face lowers neither the share of the leading label nor the means."""
    tally = Tally()
    for moment in (
        moment_of(0.5, None, None, looked=False),
        moment_of(1.0, None, "sad"),
        moment_of(1.5, "angry", "happy"),
        moment_of(2.0, "angry", "happy"),
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
