"""Whether a server bears malice: ``python -m eval.fuzz``.

Starts the real server and sends it garbage from strangers, from peers that go half the way and from
peers that were let in, and malformed offers, by a seed, while a healthy peer watches whether its
results keep coming. Everything stays on this machine.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.command_line import CommandParser, file_to_write, integer
from models.threads import limit_threads_or_exit

if TYPE_CHECKING:
    from eval.fuzz.campaign import Campaign

# Imports that load numpy stand inside the functions: threads must be limited before.

_MOST_PACKETS = 100_000_000
_FLAGS = (
    *("--offline", "--face-model", "embedded", "--log-level", "INFO"),
    # Everybody comes from one address here, and those who never connect must not stay for long.
    *("--max-sessions", "64", "--max-sessions-per-address", "0", "--max-offers-per-minute", "0"),
    *("--connect-timeout", "4"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Attack a server; print what happened; return 0 when it bore it and 1 when it did not."""
    limit_threads_or_exit()
    from eval.bench.benched_server import BenchError
    from rtc.client import RefusedError

    given = _parser().parse_args(argv)
    # Attackers meet errors all the time; what aiortc says of them here is of no interest.
    log = logging.getLogger("aiortc")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        return _fuzz(given)
    except (BenchError, RefusedError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        log.setLevel(level)


def _parser() -> CommandParser:
    parser = CommandParser(prog="eval.fuzz", description=__doc__)
    add = parser.add_argument
    add(
        "--packets",
        type=integer(1, _MOST_PACKETS),
        default=20_000,
        help="datagrams to send; offers come beside them [default 20000]",
    )
    add("--seed", type=integer(0), default=0, help="of what is left to chance [default 0]")
    add("--json", type=file_to_write, help="write everything here")
    add("--log", type=Path, help="write here what the server says on standard error")
    return parser


def _fuzz(given: Namespace) -> int:
    from eval.fuzz.report import faults, lines, shown, write_json

    with tempfile.TemporaryDirectory() as folder:
        log = given.log or Path(folder) / "server.log"
        campaign = _campaign(given.packets, given.seed, log)
        said = log.read_text(encoding="utf-8", errors="replace")
    found = faults(campaign, said)
    print(*lines(campaign, said), sep="\n")
    print(*shown(found), sep="\n", end="\n" if found else "", file=sys.stderr)
    if given.json:
        write_json(given.json, campaign, given.seed, found, said)
    return 1 if found else 0


def _campaign(packets: int, seed: int, log: Path) -> Campaign:
    from tqdm import tqdm

    from eval.bench.benched_server import running, server_command
    from eval.fuzz.campaign import attacked
    from eval.fuzz.watcher import made_up_media
    from rtc.serve import new_event_loop

    media = made_up_media()
    with (
        running(None, server_command(_FLAGS), log=log) as server,
        asyncio.Runner(loop_factory=new_event_loop) as runner,
        tqdm(total=packets, unit="datagrams", disable=None) as progress,
    ):
        runner.get_loop().set_exception_handler(_pass_over)
        return runner.run(attacked(server, media, packets, seed, progress.update))


def _pass_over(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say nothing of what breaks in attackers."""


if __name__ == "__main__":
    sys.exit(main())
