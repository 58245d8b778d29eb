"""Whether a server bears hours of people: ``python -m eval.soak --clip FILE``.

Starts the real server and has peers come, go, vanish without a word, stall and reconnect, at random
with a seed, while others stay; then a steady load; then nobody. In the end the server must hold no
more than it did after the warm-up, and must have complained of nothing.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from models.command_line import CommandParser, file_to_write, integer, number
from models.threads import limit_threads_or_exit

if TYPE_CHECKING:
    from eval.bench.media import EncodedMedia
    from eval.soak.course import Amount, Course

# Imports that load numpy stand inside the functions: threads must be limited before.

_MOST_SESSIONS = 400


def main(argv: Sequence[str] | None = None) -> int:
    """Soak a server; print a table; return 0 when it bore it and 1 when it did not."""
    limit_threads_or_exit()
    from eval.bench.benched_server import BenchError
    from rtc.client import RefusedError
    from rtc.recording import RecordingError

    given = _parser().parse_args(argv)
    try:
        return _soak(given)
    except (BenchError, RefusedError, RecordingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> CommandParser:
    parser = CommandParser(prog="eval.soak", description=__doc__)
    add = parser.add_argument
    add("--clip", type=Path, required=True, help="recording of somebody who speaks")
    add("--lives", type=integer(1), default=2000, help="sessions that come and go [default 2000]")
    add("--minutes", type=number(0, 10_000), default=30, help="of steady load [default 30]")
    add("--at-once", type=integer(1, 100), default=12, help="people at a time [default 12]")
    add("--seed", type=integer(0), default=0, help="of what is left to chance [default 0]")
    add("--json", type=file_to_write, help="write everything here")
    return parser


def _soak(given: Namespace) -> int:
    from eval.bench.cases import PAGE
    from eval.bench.media import encode
    from eval.soak.course import Amount
    from eval.soak.report import fates, faults, table, write_json
    from eval.soak.verdict import complaints, criteria

    amount = Amount(given.lives, given.minutes, given.at_once, given.seed)
    media = encode(given.clip, PAGE)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "server.log"
        course = _course(media, amount, log)
        said = log.read_text(encoding="utf-8", errors="replace")
    judged, complained = criteria(course, said), complaints(said)
    print(*table(judged), "", *fates(course.outcomes), sep="\n")
    print(*faults(course.outcomes, complained), sep="\n", file=sys.stderr)
    if given.json:
        write_json(given.json, amount, course, judged, complained)
    return 0 if all(each.holds for each in judged) else 1


def _course(media: EncodedMedia, amount: Amount, log: Path) -> Course:
    from eval.bench.benched_server import running, server_command
    from eval.soak.course import Soak
    from rtc.serve import new_event_loop
    from rtc.strays import tolerate_strays

    flags = ["--face-model", "embedded", "--max-sessions", str(_MOST_SESSIONS)]
    # Refused offers are told of below that level, with the traceback of what was wrong with them.
    flags += ["--log-level", "WARNING"]
    with (
        running(None, server_command(flags), log=log) as server,
        asyncio.Runner(loop_factory=new_event_loop) as runner,
    ):
        tolerate_strays(runner.get_loop())  # peers that leave while they connect have such, too
        return runner.run(Soak(server, media, amount).run())


if __name__ == "__main__":
    sys.exit(main())
