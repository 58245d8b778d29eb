"""Make probabilities honest: fit each shipped network's temperature and write it to the manifest.

``python -m eval.calibrate --ravdess FOLDER --fer FOLDER``

On validation data only: RAVDESS actors 17-20, and the share of FER-2013's training pictures that
training held out. Guo et al., "On calibration of modern neural networks", ICML 2017. For the voice,
of which people see means over windows, also how much surer those are than one window.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.command_line import CommandParser
from models.threads import limit_threads_or_exit

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from models.loading import LoadedModels

# Imports that load numpy stand inside the functions: threads must be limited before.

_WIDEST_EXPONENT = 8.0
_HIGHEST_GAIN = 4.0
_PLAUSIBLE_EXPONENT = 7.0  # beyond it the scores have little to do with the labels


@dataclass(frozen=True)
class Calibration:
    """What makes a network's probabilities honest.

    Attributes:
        exponent: the power to which to raise those of one result; a temperature T that gave them
            should then be T divided by this.
        gain: see ``models.smoothing.pooled``.
    """

    exponent: float
    gain: float = 0.0


def fit_voice(
    scores: Sequence[npt.NDArray[np.float32]], labels: npt.NDArray[np.int64]
) -> Calibration:
    """Fit the exponent on single windows, and the gain on means of as many as are averaged live.

    Args:
        scores: of each clip, probabilities of its windows, float32, shape (windows, 7).
        labels: of each clip, indices into ``EMOTIONS``, shape (n,).
    """
    import numpy as np
    from scipy.optimize import minimize_scalar

    from models.smoothing import pooled
    from models.tracker import TrackerConfig

    lengths = [len(windows) for windows in scores]
    exponent = fit_exponent(np.concatenate(scores), np.repeat(labels, lengths))
    count = TrackerConfig().voice.length
    runs, labels_of_runs = [], []
    for windows, label in zip(scores, labels, strict=True):
        honest = sharpened(windows, exponent)
        for end in range(min(count, len(honest)), len(honest) + 1):
            runs.append(honest[max(0, end - count) : end])
            labels_of_runs.append(label)

    def loss(gain: float) -> float:
        return _loss(np.stack([pooled(run, gain) for run in runs]), np.array(labels_of_runs))

    gain = minimize_scalar(loss, bounds=(0, _HIGHEST_GAIN), method="bounded").x
    return Calibration(exponent, float(gain))


def fit_exponent(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> float:
    """Return the power to which to raise probabilities so that they are best calibrated.

    It is the one with the least negative log-likelihood of the labels.

    Args:
        scores: probabilities of single results, float32, shape (n, 7).
        labels: indices into ``EMOTIONS``, shape (n,).
    """
    import numpy as np
    from scipy.optimize import minimize_scalar

    def loss(log_exponent: float) -> float:
        return _loss(sharpened(scores, float(np.exp(log_exponent))), labels)

    widest = float(np.log(_WIDEST_EXPONENT))
    return float(np.exp(minimize_scalar(loss, bounds=(-widest, widest), method="bounded").x))


def sharpened(scores: npt.NDArray[np.float32], exponent: float) -> npt.NDArray[np.float32]:
    """Raise probabilities, shape (n, 7), to a power, and normalise."""
    powered = (scores + 1e-9) ** exponent
    honest: npt.NDArray[np.float32] = powered / powered.sum(axis=1, keepdims=True)
    return honest


def _loss(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> float:
    import numpy as np

    return float(-np.log(scores[np.arange(len(labels)), labels] + 1e-9).mean())


def _voice(models: LoadedModels, root: Path) -> Calibration:
    import numpy as np

    from eval.datasets import RAVDESS_GUIDE, DataError
    from eval.windows import readable, window_scores
    from models.voice.corpora import ravdess
    from models.voice.features import SILENCE_RMS
    from models.voice.train import VALIDATION_ACTORS

    scores, labels = [], []
    for clip in ravdess(root):
        if clip.speaker not in VALIDATION_ACTORS:
            continue
        if (samples := readable(clip.path)) is None:
            print(f"{clip.path} cannot be read and is left out", file=sys.stderr)
            continue
        scores.append(window_scores(samples, models.voice, SILENCE_RMS))
        labels.append(clip.label)
    if not scores:
        raise DataError(f"{root} holds no speech of actors 17 to 20. {RAVDESS_GUIDE}")
    return fit_voice(scores, np.array(labels, np.int64))


def _face(models: LoadedModels, root: Path) -> Calibration:
    from eval.windows import picture_scores
    from models.face.training_data import split_pictures

    _, held_out = split_pictures(root)
    scores = picture_scores(held_out.images, models.classifier)
    return Calibration(fit_exponent(scores, held_out.labels))


def _plausible(exponent: float) -> float:
    if not 1 / _PLAUSIBLE_EXPONENT < exponent < _PLAUSIBLE_EXPONENT:
        raise ValueError("no temperature makes the network right about these labels")
    return exponent


def main(argv: Sequence[str] | None = None) -> int:
    """Fit what there is data for, and write it; return 2 where there is no speech to fit on."""
    limit_threads_or_exit()
    from eval.datasets import DataError
    from models.loading import EMBEDDED_FACE, VOICE, ModelConfig, load_models
    from models.weights import MANIFEST_PATH, WeightsError, read_manifest, write_calibration

    parser = CommandParser(prog="eval.calibrate", description=__doc__)
    parser.add_argument("--ravdess", type=Path, help="folder with Actor_17 to Actor_20")
    parser.add_argument("--fer", type=Path, help="folder with FER-2013's train/ and test/")
    given = parser.parse_args(argv)
    if given.ravdess is None and given.fer is None:
        parser.error("name --ravdess or --fer, or both")
    fits = [
        (VOICE, given.ravdess, _voice),
        (EMBEDDED_FACE, given.fer, _face),
    ]
    try:
        models, manifest = load_models(ModelConfig(face_model="embedded")), read_manifest()
        for network, root, fit in fits:
            if root is not None:
                fitted = fit(models, root)
                temperature = manifest[network].temperature / _plausible(fitted.exponent)
                write_calibration(MANIFEST_PATH, network, temperature, fitted.gain)
                print(f"{network}: temperature {temperature:.3f}, gain {fitted.gain:.3f}")
    except (DataError, OSError, ValueError, WeightsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, DataError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
