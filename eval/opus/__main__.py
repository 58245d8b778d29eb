"""What Opus takes from the voice's accuracy: clips as recorded against clips as they arrive.

``python -m eval.opus --ravdess FOLDER [--csv FILE]``

Sends the clips of actors that the shipped network never heard from one real peer connection to
another, and scores both versions as the live server would, at the same moments of the clip.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from eval.config import EvalConfig, add_evaluation_flags, evaluation_from
from models.command_line import CommandParser, file_to_write, from_environment
from models.threads import limit_threads_or_exit

if TYPE_CHECKING:
    from eval.opus.table import Compared
    from models.voice.predictor import VoicePredictor

# Imports that load numpy stand inside the functions: threads must be limited before.


async def compare(config: EvalConfig, voice: VoicePredictor, silence_rms: float) -> Compared:
    """Score clips of unseen actors as recorded and as received.

    Args:
        config: where the clips are, and how many of each emotion to take.
        voice: the served predictor.
        silence_rms: seconds below this root mean square, in [0, 1], are left out, as when served.

    Raises:
        eval.datasets.DataError: there are no such clips, or none can be read.
        ConnectionError: no sound gets from peer to peer.
    """
    import numpy as np
    from tqdm import tqdm

    from eval.datasets import DataError, actors_of_training, ravdess_folder, voice_test
    from eval.opus.link import aligned, read_to_send, sent_as_opus
    from eval.opus.table import Compared
    from eval.windows import readable, recording_scores

    trained_on = actors_of_training()
    root = ravdess_folder(config)
    clips = voice_test(root, trained_on, config.max_per_class, config.seed).clips
    scores = []
    labels = []
    lost_packets = 0
    for clip in tqdm(clips, desc="clips", unit="clip", leave=False, disable=None):
        recorded = readable(clip.path)
        if recorded is None:
            print(f"warning: {clip.path} cannot be read and is skipped", file=sys.stderr)
            continue
        came = await sent_as_opus(read_to_send(clip.path))
        lost_packets += came.lost_packets
        versions = (recorded, aligned(came.samples, recorded))
        scores.append([recording_scores(samples, voice, silence_rms) for samples in versions])
        labels.append(clip.label)
    if not scores:
        raise DataError(f"none of {len(clips)} clips in {root} could be read")
    as_recorded, as_received = np.array(scores, np.float32).swapaxes(0, 1)
    return Compared(as_recorded, as_received, np.array(labels, np.int64), lost_packets)


def main(argv: Sequence[str] | None = None) -> int:
    """Print both versions' figures and what lies between; return 2 when there are no clips."""
    limit_threads_or_exit()
    from eval.datasets import RAVDESS_GUIDE, DataError
    from eval.opus.table import lines, rows_of
    from eval.results import write_rows
    from models.loading import ModelConfig, load_models
    from models.runtime import DeviceError
    from models.voice.features import SILENCE_RMS
    from models.weights import WeightsError

    given, config = _read_flags(argv)
    try:
        voice = load_models(ModelConfig(face_model="embedded")).voice
        started_at = time.monotonic()
        compared = asyncio.run(compare(config, voice, SILENCE_RMS))
    except (ConnectionError, DeviceError, WeightsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except DataError as error:
        print(f"error: {error}\n\n{RAVDESS_GUIDE}", file=sys.stderr)
        return 2
    rows = rows_of(compared, config.seed)
    print("\n".join(lines(rows)))
    print(f"took          {time.monotonic() - started_at:.0f} s")
    if given.csv is not None:
        write_rows(given.csv, [asdict(row) for row in rows])
    return 0


def _read_flags(argv: Sequence[str] | None) -> tuple[argparse.Namespace, EvalConfig]:
    parser = CommandParser(
        prog="eval.opus",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_evaluation_flags(parser, face=False)
    # A sample would not tell the two versions apart.
    parser.set_defaults(max_per_class=from_environment("EVAL_MAX_PER_CLASS", 0))
    parser.add_argument(
        "--csv", type=file_to_write, metavar="FILE", help="also write the table there"
    )
    given = parser.parse_args(argv)
    return given, evaluation_from(given)


if __name__ == "__main__":
    sys.exit(main())
