"""That a recording made worse stays the same recording: what comes, when, and how much worse."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
import scipy.signal

from eval.fusion.altered import AlteredRecording
from eval.fusion.cases import BABBLE, CLEAN, DAMAGED, SNR_DB, WHITE
from eval.fusion.clips import messages
from models.engine import InferenceEngine
from models.voice.features import SAMPLE_RATE_HZ, SILENCE_RMS
from models.voice.speech import voiced_windows
from rtc.arrivals import Arrival
from rtc.recording import Recording
from rtc.video import rgb_of
from tests.eval.recordings import talking_person


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A woman who speaks, with both kinds."""
    return talking_person(tmp_path_factory.mktemp("talking"))


def sound_of(recording: Recording) -> npt.NDArray[np.float32]:
    """Return the left channel of all sound at 16 kHz, full scale being 1."""
    frames = [one.frame for one in recording.arrivals() if isinstance(one.frame, av.AudioFrame)]
    left = np.concatenate([frame.to_ndarray()[0, ::2] for frame in frames])
    return scipy.signal.resample_poly(left.astype(np.float32) / 32768, 1, 3)


def place_of(arrival: Arrival) -> tuple[type, float, float]:
    """Return what an arrival is and where it stands."""
    return type(arrival.frame), arrival.starts_s, arrival.ends_s


async def test_what_is_not_altered_is_as_live(talking: Path, engine: InferenceEngine):
    """A clean recording gives the messages of its replay, all of them."""
    plain = await messages(Recording(talking), engine)
    assert await messages(AlteredRecording(talking, CLEAN, CLEAN, seed=0), engine) == plain
    assert len(plain) >= 5


@pytest.mark.parametrize("condition", [WHITE, BABBLE])
def test_noise_is_5_db_below_the_speech(talking: Path, condition: str):
    """As the network hears it, what was added lies where it must; all comes when it would."""
    clean, noisy = Recording(talking), AlteredRecording(talking, condition, CLEAN, seed=0)
    assert [*map(place_of, noisy.arrivals())] == [*map(place_of, clean.arrivals())]
    before, after = sound_of(clean), sound_of(noisy)
    speech = np.concatenate(voiced_windows(before, SILENCE_RMS))
    ratio_db = 10 * np.log10(np.mean(speech**2) / np.mean((after - before) ** 2))
    assert ratio_db == pytest.approx(SNR_DB, abs=0.5)
    assert len(before) > 2 * SAMPLE_RATE_HZ


def test_a_damaged_picture_comes_when_it_would(talking: Path):
    """It keeps its time, its shape as the networks get it, and 40 % of its light."""
    pairs = zip(
        Recording(talking).arrivals(),
        AlteredRecording(talking, CLEAN, DAMAGED, seed=0).arrivals(),
        strict=True,
    )
    seen = 0
    for plain, worse in pairs:
        assert place_of(plain) == place_of(worse)
        if isinstance(plain.frame, av.VideoFrame) and seen < 3:
            before, after = rgb_of(plain.frame), rgb_of(worse.frame)
            assert before.shape == after.shape
            assert after.mean() == pytest.approx(0.4 * before.mean(), rel=0.1)
            seen += 1
    assert seen == 3
