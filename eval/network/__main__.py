"""Whether results go on over bad networks: ``python -m eval.network --clip FILE``.

Starts the real server and real peers, whose packets go through a relay that loses, delays, swaps
and doubles them, lets none pass for a while, or changes the address that the server sees.
"""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from models.command_line import CommandParser, file_to_write, integer
from models.threads import limit_threads_or_exit

if TYPE_CHECKING:
    from eval.network.cases import Case
    from eval.network.report import Run
    from eval.network.tracks import RawMedia

# Imports that load numpy stand inside the functions: threads must be limited before.

_EPILOG = """\
Each figure is the worst of all people. A case holds when no time without a result, without a fresh
voice or without a fresh face was longer than 3 s, and both were back within 3 s of the end of the
fault. The case set-up, in which packets are lost before there is a connection, holds when the
first results came within 15 s; it is tried only when it is asked for. Exit code: 0 when all cases
hold; 1 when one does not, or it cannot run; 2 when a flag is wrong."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cases; print a table, write what was asked for; return the exit code."""
    limit_threads_or_exit()
    from eval.bench.benched_server import BenchError
    from eval.network.cases import CASES
    from rtc.client import RefusedError
    from rtc.recording import RecordingError
    from rtc.serve import new_event_loop

    given = _parser(CASES).parse_args(argv)
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runs = runner.run(_run(given))
    except (BenchError, RefusedError, RecordingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0 if all(run.holds for run in runs) else 1


def _parser(cases: dict[str, Case]) -> CommandParser:
    parser = CommandParser(prog="eval.network", description=__doc__, epilog=_EPILOG)
    add = parser.add_argument
    add("--clip", type=Path, required=True, help="recording of somebody who speaks")
    add("--case", action="append", choices=cases, help="repeatable [default all but set-up]")
    add("--people", type=integer(1, 16), default=3, help="at once, in each case [%(default)s]")
    add("--seconds", type=integer(2), default=20, help="that a fault lasts [%(default)s]")
    add("--seed", type=integer(0), default=0, help="of what happens to packets [%(default)s]")
    add(
        "--json",
        type=file_to_write,
        metavar="FILE",
        help="write what everybody got, anew after each case",
    )
    add(
        "--csv",
        type=file_to_write,
        metavar="FILE",
        help="write the table with date and machine, likewise",
    )
    return parser


async def _run(given: Namespace) -> list[Run]:
    from tqdm import tqdm

    from eval.bench.benched_server import running, server_command
    from eval.bench.cases import PAGE
    from eval.network.cases import CASES
    from eval.network.report import heading, line, rows_of, write_json
    from eval.network.tracks import raw_media
    from eval.results import write_rows

    media = raw_media(given.clip, PAGE)
    runs: list[Run] = []
    with running(None, server_command(["--face-model", "embedded", "--offline"])) as server:
        print(heading(), flush=True)
        default = [name for name, case in CASES.items() if not case.from_start]
        for name in given.case or default:
            run = await _run_case(name, server.url, media, given)
            tqdm.write(line(run))
            runs.append(run)
            if given.json:
                write_json(given.json, runs)
            if given.csv:
                write_rows(given.csv, rows_of(runs))
    return runs


async def _run_case(name: str, url: str, media: RawMedia, given: Namespace) -> Run:
    from tqdm import tqdm

    from eval.network.cases import CASES
    from eval.network.report import Run
    from eval.network.runs import length_s, people_through

    case = CASES[name]
    if not case.is_cut:
        case = replace(case, lasts_s=given.seconds)
    # Each person's relay has a seed of its own, the same in every case.
    seeds = range(given.seed * given.people, (given.seed + 1) * given.people)
    total_s = length_s(case)
    with tqdm(total=total_s, desc=case.title, unit="s", leave=False, disable=None) as progress:
        people = await people_through(url, media, case, seeds, progress.update)
    return Run(name, given.seed, case.lasts_s, tuple(people))


if __name__ == "__main__":
    sys.exit(main())
