"""When a track gives its pieces, by a clock that is passed in."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import av

from rtc.pieces import Piece
from rtc.playback import Pace, PlayedTrack
from tests.rtc.playing import played

_DECODING_S = 0.1


class _Time:
    """A clock that runs only while somebody sleeps or decodes.

    Attributes:
        now_s: what it shows.
        slept_s: for how long each time.
    """

    def __init__(self) -> None:
        self.now_s = 500.0
        self.slept_s: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(round(seconds, 3))
        self.now_s += seconds

    def decode(self, *due_s: float) -> Iterator[Piece]:
        """Yield silence that is due then, each after some work."""
        for each in due_s:
            self.now_s += _DECODING_S
            yield Piece(av.AudioFrame(format="s16", layout="stereo", samples=960), each)


def _track(time: _Time, pace: Pace, *due_s: float) -> PlayedTrack:
    return PlayedTrack("audio", time.decode(*due_s), lambda: None, pace, threading.Event())


async def test_each_piece_is_given_when_it_is_due() -> None:
    """Between two there is the time that decoding leaves, and one that is late waits for none."""
    time = _Time()
    pace = Pace(lambda: time.now_s, time.sleep)
    frames = await played(_track(time, pace, 0.0, 0.5, 0.55, 2.0))
    assert len(frames) == 4
    assert time.slept_s == [0.0, 0.3, 0.0, 1.3]


async def test_the_tracks_of_a_recording_have_one_beginning() -> None:
    """The second to be asked does not begin anew, but where the first has come to."""
    time = _Time()
    pace = Pace(lambda: time.now_s, time.sleep)
    await played(_track(time, pace, 1.0))
    await played(_track(time, pace, 1.0, 1.5))
    assert time.slept_s == [0.9, 0.0, 0.3]
