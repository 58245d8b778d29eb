"""Make probabilities honest: fit each shipped network's temperature and write it to the manifest.

``python -m eval.calibrate --ravdess FOLDER --fer FOLDER``

On validation data only: RAVDESS actors 17-20, and the share of FER-2013's training pictures that
training held out. Guo et al., "On calibration of modern neural networks", ICML 2017.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
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
_PLAUSIBLE_EXPONENT = 7.0  # beyond it the scores have little to do with the labels


def fit_exponent(scores: Sequence[npt.NDArray[np.float32]], labels: npt.NDArray[np.int64]) -> float:
    """Return the power to which to raise probabilities so that their means are best calibrated.

    What people see is a mean over windows, so the mean is what must be honest: the exponent is
    the one with the least negative log-likelihood of the labels under the means. A temperature T
    that gave the scores should then be T divided by this.

    Args:
        scores: of each example, probabilities of its windows, float32, shape (windows, 7).
        labels: indices into ``EMOTIONS``, shape (n,).
    """
    import numpy as np
    from scipy.optimize import minimize_scalar

    def loss(log_exponent: float) -> float:
        means = sharpened_means(scores, float(np.exp(log_exponent)))
        return float(-np.log(means[np.arange(len(labels)), labels] + 1e-9).mean())

    widest = float(np.log(_WIDEST_EXPONENT))
    return float(np.exp(minimize_scalar(loss, bounds=(-widest, widest), method="bounded").x))


def sharpened_means(
    scores: Sequence[npt.NDArray[np.float32]], exponent: float
) -> npt.NDArray[np.float32]:
    """Raise probabilities to a power, normalise, and average each example's: shape (n, 7)."""
    import numpy as np

    lengths = np.array([len(windows) for windows in scores])
    powered = (np.concatenate(scores) + 1e-9) ** exponent
    powered /= powered.sum(axis=1, keepdims=True)
    sums = np.add.reduceat(powered, np.concatenate([[0], np.cumsum(lengths)[:-1]]))
    means: npt.NDArray[np.float32] = (sums / lengths[:, None]).astype(np.float32)
    return means


def _voice_exponent(models: LoadedModels, root: Path) -> float:
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
    return fit_exponent(scores, np.array(labels, np.int64))


def _face_exponent(models: LoadedModels, root: Path) -> float:
    from eval.windows import picture_scores
    from models.face.training_data import split_pictures

    _, held_out = split_pictures(root)
    scores = picture_scores(held_out.images, models.classifier)
    return fit_exponent(list(scores[:, None]), held_out.labels)


def _plausible(exponent: float) -> float:
    if not 1 / _PLAUSIBLE_EXPONENT < exponent < _PLAUSIBLE_EXPONENT:
        raise ValueError("no temperature makes the network right about these labels")
    return exponent


def main(argv: Sequence[str] | None = None) -> int:
    """Fit what there is data for, and write it; return 2 where there is none."""
    limit_threads_or_exit()
    from eval.datasets import DataError
    from models.loading import EMBEDDED_FACE, VOICE, ModelConfig, load_models
    from models.weights import MANIFEST_PATH, WeightsError, read_manifest, write_temperature

    parser = CommandParser(prog="eval.calibrate", description=__doc__)
    parser.add_argument("--ravdess", type=Path, help="folder with Actor_17 to Actor_20")
    parser.add_argument("--fer", type=Path, help="folder with FER-2013's train/ and test/")
    given = parser.parse_args(argv)
    if given.ravdess is None and given.fer is None:
        parser.error("name --ravdess or --fer, or both")
    fits = [
        (VOICE, given.ravdess, _voice_exponent),
        (EMBEDDED_FACE, given.fer, _face_exponent),
    ]
    try:
        models, manifest = load_models(ModelConfig(face_model="embedded")), read_manifest()
        for network, root, exponent in fits:
            if root is not None:
                temperature = manifest[network].temperature / _plausible(exponent(models, root))
                write_temperature(MANIFEST_PATH, network, temperature)
                print(f"{network}: temperature {temperature:.3f}")
    except (DataError, OSError, ValueError, WeightsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, DataError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
