"""Between a voice network and what it became lies one that keeps what is good in both.

``python -m models.voice.interpolate EARLIER LATER --share 0.5``

As ``models.face.interpolate``, but for a network without batch normalisation, whose statistics
would have to be taken anew.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from models.training import begin_with, between
from models.voice.network import VoiceNetwork


def main(argv: Sequence[str] | None = None) -> int:
    """Write the network in between."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("earlier", type=Path, help="weights that training began with")
    add("later", type=Path, help="weights that it ended with")
    add("--share", type=float, required=True, help="of the earlier ones, 0 to 1")
    add("--out", type=Path, default=Path("weights/audio_bilstm.pt"))
    given = parser.parse_args(argv)
    try:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        earlier, later = VoiceNetwork(), VoiceNetwork()
        begin_with(earlier, given.earlier)
        begin_with(later, given.later)
        torch.save(between(earlier.state_dict(), later.state_dict(), given.share), given.out)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
