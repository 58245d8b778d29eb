"""Make studio recordings sound as live audio does: gain, noise, rooms, other voices, Opus."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from models.voice.features import SAMPLE_RATE_HZ, WINDOW_SAMPLES, Samples

_BANDS_HZ = np.array([60, 125, 250, 500, 1000, 2000, 4000, 6500, 7500])


def opus_round_trip(samples: Samples, compression_level: float) -> Samples:
    """Encode as Opus and decode again; ``compression_level`` 0 to 1 is the lowest bit rate."""
    coded = io.BytesIO()
    soundfile.write(
        coded,
        samples,
        SAMPLE_RATE_HZ,
        format="OGG",
        subtype="OPUS",
        compression_level=compression_level,
    )
    coded.seek(0)
    decoded, _ = soundfile.read(coded, dtype="float32")
    return np.ascontiguousarray(decoded[: len(samples)], np.float32)


def cut_window(samples: Samples, rng: np.random.Generator, speed_range: float) -> Samples:
    """Cut one second at a random offset, played up to ``speed_range`` faster or slower.

    A change of speed moves pitch and formants together, as another vocal tract would.
    """
    speed = float(np.exp(rng.uniform(-speed_range, speed_range)))
    needed = int(WINDOW_SAMPLES * speed) + 2
    if len(samples) <= needed:
        samples = np.pad(samples, (0, needed + 1 - len(samples)))
    start = int(rng.integers(0, len(samples) - needed))
    positions = np.arange(WINDOW_SAMPLES, dtype=np.float32) * speed
    below = positions.astype(np.int64)
    share = positions - below
    piece = samples[start : start + needed]
    window: Samples = piece[below] * (1 - share) + piece[below + 1] * share
    return window.astype(np.float32)


def degrade(window: Samples, rng: np.random.Generator, equipment_share: float) -> Samples:
    """Add, each at random, a room, coloured noise and a change of gain.

    ``equipment_share`` of the windows also lose what equipment takes away.
    """
    if rng.random() < 0.3:
        window = _in_a_room(window, rng)
    if equipment_share and rng.random() < equipment_share:
        window = _through_equipment(window, rng)
    if rng.random() < 0.6:
        window = _with_noise(window, rng)
    gain_db = rng.uniform(-18, 12)
    loud = window * np.float32(10 ** (gain_db / 20))
    clipped: Samples = np.clip(loud, -1, 1)
    return clipped


def _in_a_room(window: Samples, rng: np.random.Generator) -> Samples:
    """Convolve with decaying noise: reverberation of 0.1 to 0.5 s under a direct sound of 1."""
    decay_s = rng.uniform(0.1, 0.5)
    time_s = np.arange(int(decay_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tail = rng.standard_normal(len(time_s)) * 10 ** (-3 * time_s / decay_s)
    tail *= rng.uniform(0.1, 0.6) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    size = 2 * WINDOW_SAMPLES
    wet = np.fft.irfft(np.fft.rfft(window, size) * np.fft.rfft(tail, size), size)
    heard: Samples = wet[:WINDOW_SAMPLES].astype(np.float32)
    return heard


def _through_equipment(window: Samples, rng: np.random.Generator) -> Samples:
    """Take away what lies lowest and highest, and raise and lower bands between by some decibels.

    Browsers and Opus cut below some 60 Hz, where RAVDESS has a rumble from which a network learns
    what it should learn from speech; and Opus with the resampler takes 6 dB from 7.5 kHz.
    """
    bands_db = rng.normal(0, 2, len(_BANDS_HZ))
    bands_db[-2:] -= rng.uniform(0, 9) * np.array([0.3, 1.0])
    frequency = np.linspace(0, SAMPLE_RATE_HZ / 2, WINDOW_SAMPLES // 2 + 1)
    gain_db = np.interp(np.log(np.maximum(frequency, 1)), np.log(_BANDS_HZ), bands_db)
    lowest_hz, order = rng.uniform(20, 110), rng.integers(1, 5)  # of a Butterworth filter
    gain_db -= 10 * np.log10(1 + (lowest_hz / np.maximum(frequency, 1)) ** (2 * order))
    spectrum = np.fft.rfft(window) * 10 ** (gain_db / 20)
    return np.fft.irfft(spectrum, WINDOW_SAMPLES).astype(np.float32)


def _with_noise(window: Samples, rng: np.random.Generator) -> Samples:
    """Add noise between white and brown, 5 to 40 dB below the window."""
    spectrum = rng.standard_normal(WINDOW_SAMPLES // 2 + 1) * np.exp(
        2j * np.pi * rng.random(WINDOW_SAMPLES // 2 + 1)
    )
    frequency = np.maximum(np.arange(len(spectrum)), 20.0)
    noise = np.fft.irfft(spectrum / frequency ** rng.uniform(0, 1), WINDOW_SAMPLES)
    signal_power = np.mean(window**2) + 1e-8
    wanted = signal_power * 10 ** (-rng.uniform(5, 40) / 10)
    noisy = window + noise * np.sqrt(wanted / np.mean(noise**2))
    return np.asarray(noisy, np.float32)
