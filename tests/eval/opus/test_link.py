"""Sound through two real peer connections, and what is cut out of what came."""

from __future__ import annotations

from pathlib import Path

import aioice.ice
import numpy as np
import pytest
import scipy.signal
import soundfile
from aiortc import RTCDtlsTransport
from aiortc.rtp import is_rtcp

from eval.opus import link
from eval.opus.link import aligned, read_to_send, sent_as_opus
from models.voice.corpora import read_speech
from models.voice.features import SAMPLE_RATE_HZ, rms
from tests.media import DATA, NO_RECORDINGS, SOUND_RATE_HZ, synthetic_speech

REAL_CLIP = DATA / "ravdess" / "Actor_17" / "03-01-05-01-02-01-17.flac"


@pytest.fixture
def made_clip(tmp_path: Path) -> Path:
    """Two and a half seconds of synthetic speech at 48 kHz, in stereo."""
    speech = synthetic_speech(2.51)
    soundfile.write(tmp_path / "clip.wav", np.stack([speech, speech], axis=1), SOUND_RATE_HZ)
    return tmp_path / "clip.wav"


@pytest.fixture(params=["made", "real"])
def clip(request: pytest.FixtureRequest, made_clip: Path) -> Path:
    """A self-made clip and, where recordings are, one of RAVDESS at 16 kHz."""
    if request.param == "made":
        return made_clip
    if not REAL_CLIP.exists():
        pytest.skip(NO_RECORDINGS)
    return REAL_CLIP


async def test_a_clip_comes_through_two_real_connections(clip: Path) -> None:
    """It arrives as long, as loud, and of the same shape as it was, and no packet is lost."""
    recorded = read_speech(clip)
    came = await sent_as_opus(read_to_send(clip))
    assert came.lost_packets == 0
    assert abs(len(came.samples) - len(recorded)) / SAMPLE_RATE_HZ < 0.06
    received = aligned(came.samples, recorded)
    assert received.shape == recorded.shape
    assert np.corrcoef(received, recorded)[0, 1] > 0.9
    assert rms(received) / rms(recorded) == pytest.approx(1, abs=0.05)
    assert not np.array_equal(received, recorded)


async def test_lost_packets_are_counted(made_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what the network drops each packet of sound is counted, and the rest is heard."""
    send = RTCDtlsTransport._send_rtp
    sent = 0

    async def send_most(transport: RTCDtlsTransport, packet: bytes) -> None:
        nonlocal sent
        sent += not is_rtcp(packet)
        if is_rtcp(packet) or sent not in {30, 31, 60}:
            await send(transport, packet)

    monkeypatch.setattr(RTCDtlsTransport, "_send_rtp", send_most)
    came = await sent_as_opus(read_to_send(made_clip))
    assert came.lost_packets == 3
    assert 2.0 < len(came.samples) / SAMPLE_RATE_HZ < 2.5


async def test_without_a_network_it_says_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peers that have no address to offer give an error that names the cause, not a wait."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: [])
    monkeypatch.setattr(link, "_PATIENCE_S", 0.0)
    with pytest.raises(ConnectionError, match=r"need a network interface other than 127\.0\.0\.1"):
        await sent_as_opus(np.zeros(4_800, np.int16))


def test_a_recording_of_any_rate_is_sent_at_48_khz_and_never_wraps(tmp_path: Path) -> None:
    """A second of a full-scale 16 kHz square wave becomes a second at 48 kHz, clipped."""
    square = scipy.signal.square(2 * np.pi * 100 * np.arange(16_000) / 16_000)
    soundfile.write(tmp_path / "loud.wav", square, 16_000)
    sent = read_to_send(tmp_path / "loud.wav")
    assert sent.dtype == np.int16
    assert len(sent) == SOUND_RATE_HZ
    assert np.abs(np.diff(sent[1000:-1000].astype(int))).max() < 45_000
    assert sent.max() == 32767


@pytest.mark.parametrize("delay", [0, 104, 900])
def test_a_delay_is_taken_out(delay: int) -> None:
    """A clip that comes late, and not as loud, is cut out where it lies."""
    original = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    late = np.pad(original, (delay, 1_000 - delay)) * np.float32(0.7)
    np.testing.assert_array_equal(aligned(late, original), original * np.float32(0.7))


def test_a_clip_that_came_short_ends_in_silence() -> None:
    """What packet loss took from the length is made up for, so that windows fit both."""
    original = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    received = aligned(original[:15_000], original)
    np.testing.assert_array_equal(received[:15_000], original[:15_000])
    assert not received[15_000:].any()
