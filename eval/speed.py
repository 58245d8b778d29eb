"""How long one answer takes on one thread, and how large the shipped networks are.

``python -m eval.speed``
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from models.command_line import CommandParser, file_to_write, integer
from models.threads import limit_threads_or_exit

if TYPE_CHECKING:
    from models.loading import LoadedModels

# Imports that load numpy stand inside the functions: threads must be limited before.

_WARM_UP = 20


@dataclass(frozen=True)
class Speed:
    """Of one kind of answer: the median and the 95th percentile of many, in milliseconds."""

    answer: str
    median_ms: float
    p95_ms: float


def timed(answer: str, work: Callable[[], object], count: int) -> Speed:
    """Return how long ``work`` takes, after it was done a few times for nothing."""
    import numpy as np

    for _ in range(_WARM_UP):
        work()
    times_ms = []
    for _ in range(count):
        began_at = time.perf_counter()
        work()
        times_ms.append(1000 * (time.perf_counter() - began_at))
    return Speed(answer, float(np.median(times_ms)), float(np.percentile(times_ms, 95)))


def speeds(models: LoadedModels, count: int) -> list[Speed]:
    """Time what the live server asks of each network, of noise: what it shows makes no odds."""
    import numpy as np

    from models.voice.features import WINDOW_SAMPLES

    rng = np.random.default_rng(0)
    window = (0.1 * rng.standard_normal(WINDOW_SAMPLES)).astype(np.float32)
    wanted = models.classifier.input
    crop = rng.random((len(wanted.mean), wanted.size, wanted.size), np.float32)
    return [
        timed("voice: MFCC and network of 1 s", lambda: models.voice.predict([window]), count),
        timed("face: network of a crop", lambda: models.classifier.classify([crop]), count),
        timed(
            "face: the crop and its mirror image",
            lambda: models.classifier.classify_both_ways([crop]),
            count,
        ),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table and, where asked, write it."""
    limit_threads_or_exit()
    from eval.results import write_rows
    from models.loading import EMBEDDED_FACE, VOICE, ModelConfig, load_models
    from models.weights import WEIGHTS_FOLDER, WeightsError, read_manifest

    parser = CommandParser(prog="eval.speed", description=__doc__)
    parser.add_argument(
        "--count", type=integer(10), default=300, help="answers of each kind [default %(default)s]"
    )
    parser.add_argument("--csv", type=file_to_write, help="write the table here")
    given = parser.parse_args(argv)
    try:
        models, manifest = load_models(ModelConfig(face_model="embedded")), read_manifest()
    except WeightsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    rows = speeds(models, given.count)
    for row in rows:
        print(f"{row.answer:36} median {row.median_ms:5.2f} ms   p95 {row.p95_ms:5.2f} ms")
    for network in (VOICE, EMBEDDED_FACE):
        for name in manifest[network].files:
            print(f"{name:36} {(WEIGHTS_FOLDER / name).stat().st_size / 1e6:6.1f} MB")
    if given.csv:
        write_rows(given.csv, [asdict(row) for row in rows])
    return 0


if __name__ == "__main__":
    sys.exit(main())
