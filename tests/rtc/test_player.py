"""That a replay is the live path: the same windows, pictures, ticks and answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import numpy.typing as npt

from models.emotions import Scores
from models.engine import InferenceEngine
from models.face.predictor import FacePredictor, FaceReading, Look
from models.loading import LoadedModels
from models.voice.predictor import VoicePredictor
from models.voice.speech import HEARD_SAMPLES, newest_speech
from rtc.arrivals import Arrival
from rtc.audio import NewestSound
from rtc.clock import Clock
from rtc.config import SessionConfig
from rtc.moments import Moment
from rtc.player import Player
from rtc.recording import Recording
from rtc.video import NewestPicture
from tests.conftest import LiveServer
from tests.eval.recordings import Pictures, grey, write_recording
from tests.media import (
    Clip,
    PictureTrack,
    SoundTrack,
    photograph_clip,
)
from tests.peers import Peer


class _Listening:
    """The shipped voice network, which also remembers what it was given."""

    def __init__(self, voice: VoicePredictor) -> None:
        self._voice = voice
        self.windows: list[npt.NDArray[np.float32]] = []

    def predict(self, batch: Sequence[npt.NDArray[np.float32]]) -> list[Scores]:
        self.windows += batch
        return self._voice.predict(batch)


class _Looking:
    """The shipped face networks, which also remember what they were given."""

    def __init__(self, face: FacePredictor) -> None:
        self._face = face
        self.pictures: list[npt.NDArray[np.uint8]] = []

    def predict(self, batch: Sequence[Look]) -> list[FaceReading | None]:
        self.pictures += [look.rgb() for look in batch]
        return self._face.predict(batch)


async def _played(path: Path, engine: InferenceEngine) -> list[Moment]:
    player = Player(Recording(path), engine, SessionConfig())
    return [moment async for moment in player.moments()]


def _live(
    make: Callable[[Clock], NewestSound | NewestPicture], arrivals: Sequence[Arrival]
) -> NewestSound | NewestPicture:
    """What a live session keeps of frames that arrive at their times."""
    times = iter(arrival.at_s for arrival in arrivals)
    kept = make(lambda: next(times))
    for arrival in arrivals:
        kept.put(arrival.frame)
    return kept


async def test_the_networks_get_what_a_live_session_would_give_them(
    models: LoadedModels, talking: Path
) -> None:
    """At each tick window and picture are, bit for bit, those that a live session keeps
    of the same frames until then.
    """
    listening, looking = _Listening(models.voice), _Looking(models.face)
    engine = InferenceEngine(listening, looking)
    moments = await _played(talking, engine)
    engine.close()
    assert [moment.time_s for moment in moments] == [0.5 * (n + 1) for n in range(len(moments))]
    assert len(moments) >= 5

    windows, pictures = [], []
    arrivals = list(Recording(talking).arrivals())
    for moment in moments:
        until = [one for one in arrivals if one.at_s <= moment.time_s + 1e-6]
        sound = _live(NewestSound, [one for one in until if isinstance(one.frame, av.AudioFrame)])
        heard = sound.window.newest(HEARD_SAMPLES)
        if len(heard) >= 8_000:
            speech = newest_speech(heard, SessionConfig.silence_rms)
            if speech is not None:
                windows.append(speech.samples)
        shown = _live(NewestPicture, [one for one in until if isinstance(one.frame, av.VideoFrame)])
        pictures.append(shown.take().rgb())
    assert len(windows) >= 4
    assert all(np.array_equal(*pair) for pair in zip(listening.windows, windows, strict=True))
    assert all(np.array_equal(*pair) for pair in zip(looking.pictures, pictures, strict=True))


async def test_a_replay_is_the_same_each_time(engine: InferenceEngine, talking: Path) -> None:
    """Media time is the clock: two replays give equal messages, whatever the machine did."""
    assert await _played(talking, engine) == await _played(talking, engine)


async def test_a_live_peer_is_told_what_a_replay_says(
    server: LiveServer, engine: InferenceEngine, talking: Path, happy_clip: Clip
) -> None:
    """A clip sent through a real connection gives the scores of its replay but for what Opus,
    VP8 and the moment of the tick take away.
    """
    moments = await _played(talking, engine)
    tracks = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
    async with Peer(server.url, *tracks) as peer:
        live = (await peer.results(len(moments) + 1))[-3:]
    for track in ("voice", "face", "fused"):
        replayed_mean, live_mean = (
            np.mean(
                [list(getattr(message, track).probabilities.values()) for message in messages],
                axis=0,
            )
            for messages in ([moment.message for moment in moments[-3:]], live)
        )
        assert np.abs(replayed_mean - live_mean).sum() < 0.6, track
    assert moments[-1].message.face.label == live[-1].face.label


async def test_pictures_that_come_rarely_are_each_looked_at(
    engine: InferenceEngine, tmp_path: Path
) -> None:
    """With a picture every 0.8 s, ticks between two pictures look at none and find none."""
    face = photograph_clip().pictures[0]
    times_s = [0.0, 0.8, 1.6, 2.1, 2.5]
    path = write_recording(tmp_path / "rare.mkv", Pictures([face] * 5, times_s))
    moments = await _played(path, engine)
    assert [moment.looked for moment in moments] == [True, True, False, True, True]
    assert [moment.found for moment in moments] == [moment.looked for moment in moments]
    assert all(moment.message.face for moment in moments)


async def test_found_is_said_of_the_tick_s_own_picture(engine: InferenceEngine) -> None:
    """A face that is remembered, of the same age to the millisecond as a picture that shows none,
    is not taken for one that was found.
    """
    taken_s = {0.4998: photograph_clip().pictures[0], 0.5002: grey(), 1.4: grey()}
    arrivals = [
        Arrival(av.VideoFrame.from_ndarray(picture, format="rgb24"), at_s, at_s)
        for at_s, picture in taken_s.items()
    ]
    # Times this close are none that the tests' own recordings, of whole milliseconds, can hold.
    recording = SimpleNamespace(path=Path("close.mkv"), arrivals=lambda: arrivals, played_s=1.5)
    moments = [one async for one in Player(recording, engine, SessionConfig()).moments()]
    assert [moment.looked for moment in moments] == [True, True, True]
    assert [moment.found for moment in moments] == [True, False, False]
    assert moments[1].message.face.age_ms == 500


async def test_a_long_pause_leaves_moments_without_evidence(
    engine: InferenceEngine, tmp_path: Path
) -> None:
    """Where neither kind comes for ten seconds the ticks go on and say that there is nothing."""
    face = photograph_clip().pictures[0]
    path = write_recording(tmp_path / "pause.mkv", Pictures([face] * 4, [0.0, 0.4, 10.6, 11.1]))
    moments = await _played(path, engine)
    evidence = [moment.message.evidence for moment in moments]
    assert evidence[0] == evidence[-1] == "face"
    assert evidence[4:20] == ["none"] * 16
