"""Fitting a temperature: found again where it is known, and written where it belongs."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from eval import calibrate
from eval.calibrate import fit_exponent, fit_voice, sharpened
from models.emotions import softmax
from models.loading import LoadedModels
from models.weights import MANIFEST_PATH, read_manifest
from tests.media import synthetic_speech

RAVDESS_CODES = ("05", "07", "06", "03", "01", "04", "08")  # in the order of EMOTIONS


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_known_exponent_is_found(exponent: float):
    """Of scores whose power by a known exponent is the truth, that exponent is fitted."""
    rng = np.random.default_rng(0)
    true = softmax(rng.normal(0, 2, (4000, 7)).astype(np.float32))
    labels = np.array([rng.choice(7, p=row / row.sum()) for row in true.astype(np.float64)])
    said = true ** (1 / exponent)
    said /= said.sum(axis=1, keepdims=True)
    assert fit_exponent(said, labels) == pytest.approx(exponent, rel=0.1)


@pytest.mark.parametrize(("differing", "least", "most"), [(5, 2.0, 4.0), (1, 0.0, 0.05)])
def test_gain(differing: int, least: float, most: float):
    """Windows that err each for itself are surer together; what is said five times over is not."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 1000)
    scores = []
    for label in labels:
        # By Bayes: what is heard is the label's sign with noise, and its posterior is known.
        heard = np.eye(7)[label] * 1.5 + rng.normal(0, 1, (5, 7))
        windows = softmax((1.5 * heard).astype(np.float32))
        scores.append(np.resize(windows[:differing], windows.shape))
    fitted = fit_voice(scores, labels)
    assert fitted.exponent == pytest.approx(1, rel=0.1)
    assert least <= fitted.gain <= most


def test_power_by_hand():
    """Probabilities are raised to the power and normalised."""
    said = np.array([[0.8, 0.2, 0, 0, 0, 0, 0]], np.float32)
    squared = 0.64 / 0.68
    np.testing.assert_allclose(sharpened(said, 2.0)[0, :2], [squared, 1 - squared], atol=1e-6)
    assert sharpened(said, 2.0).dtype == np.float32


def test_implausible_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Where no temperature helps, as with one clip alone, nothing is written and that is said."""
    manifest = Path(shutil.copy(MANIFEST_PATH, tmp_path))
    monkeypatch.setattr("models.weights.MANIFEST_PATH", manifest)
    (tmp_path / "Actor_17").mkdir()
    speech = synthetic_speech(1.5).astype(np.float32) / 32768
    soundfile.write(tmp_path / "Actor_17" / "03-01-02-01-01-01-17.wav", speech, 48_000)
    assert calibrate.main(["--ravdess", str(tmp_path)]) == 1
    assert "no temperature makes the network right" in capsys.readouterr().err
    assert manifest.read_text() == MANIFEST_PATH.read_text()


def test_nothing_named(capsys: pytest.CaptureFixture[str]):
    """Without a folder it says which flags there are and changes nothing."""
    with pytest.raises(SystemExit):
        calibrate.main([])
    assert "name --ravdess or --fer" in capsys.readouterr().err


def test_no_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A folder without the right actors gives exit code 2 and says what to get."""
    assert calibrate.main(["--ravdess", str(tmp_path)]) == 2
    assert "no speech of actors 17 to 20" in capsys.readouterr().err


def test_voice_is_fitted_on_what_can_be_read(
    models: LoadedModels,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    """A broken recording is named and left out; what was fitted goes into the manifest."""
    manifest = Path(shutil.copy(MANIFEST_PATH, tmp_path))
    monkeypatch.setattr("models.weights.MANIFEST_PATH", manifest)
    folder = tmp_path / "Actor_17"
    folder.mkdir()
    for number in range(1, 7):
        speech = synthetic_speech(3.0)[number * 1000 :].astype(np.float32) / 32768
        speech = speech[:: 1 + number % 3]
        said = models.voice.predict([speech[:16_000]])[0].argmax()
        # Every second one carries the label that the network gives it.
        code = RAVDESS_CODES[said if number % 2 else (said + number) % 7]
        soundfile.write(folder / f"03-01-{code}-01-01-0{number}-17.wav", speech, 16_000)
    (folder / "03-01-05-02-01-01-17.wav").write_bytes(b"RIFF nothing")
    assert calibrate.main(["--ravdess", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert "03-01-05-02-01-01-17.wav cannot be read" in captured.err
    written = read_manifest(manifest)["audio_bilstm"]
    said = f"audio_bilstm: temperature {written.temperature:.3f}, gain {written.gain:.3f}\n"
    assert captured.out == said
