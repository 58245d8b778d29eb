"""How many people one core can serve: ``python -m eval.bench --clip FILE``.

Starts the real server on cores of its own and sends it, over real ICE, DTLS and SRTP, a face and a
voice that were encoded before, as more and more peers, until they are no longer served well.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from models.command_line import CommandParser, file_to_write, integer
from models.threads import limit_threads_or_exit

if TYPE_CHECKING:
    from eval.bench.cases import Case
    from eval.bench.load import Load
    from eval.bench.measure import Level
    from eval.bench.media import EncodedMedia
    from eval.bench.report import Run

# Imports that load numpy stand inside the functions: threads must be limited before.

_MOST_PEERS = 400


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cases; print a table, write what was asked for; return the exit code."""
    limit_threads_or_exit()
    from eval.bench.benched_server import BenchError
    from eval.bench.cases import CASES
    from rtc.client import RefusedError
    from rtc.recording import RecordingError
    from rtc.serve import new_event_loop

    parser = _parser(CASES)
    given = parser.parse_args(argv)
    if given.profile and given.workers > 1:
        parser.error("--profile looks at one process; leave out --workers")
    if given.profile and given.cluster:
        parser.error("--profile looks at one process; leave out --cluster")
    runs: list[Run] = []
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            for name in given.case or CASES:
                runner.run(_run_case(name, given, runs))
    except (BenchError, RefusedError, RecordingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser(cases: dict[str, Case]) -> CommandParser:
    parser = CommandParser(prog="eval.bench", description=__doc__)
    add = parser.add_argument
    add("--clip", type=Path, required=True, help="recording of somebody who speaks")
    add("--case", action="append", choices=cases, help="repeatable [default all]")
    add("--peers", type=_numbers(1), help="try these numbers, such as 1,8,16, instead of searching")
    add("--runs", type=integer(1), default=3, help="of which the median counts [default 3]")
    add("--seconds", type=integer(2), default=15, help="measured per number of peers [default 15]")
    add("--server-cores", type=_numbers(0), default=[0], help="[default 0]")
    add("--peer-cores", type=_numbers(0), default=[1], help="[default 1]")
    add("--workers", type=integer(1), default=1, help="of the server [default 1]")
    add(
        "--cluster",
        action="store_true",
        help="in place of server.py a cluster of Ray Serve, with as many replicas as --workers",
    )
    add("--profile", action="store_true", help="say where the server's time goes; needs py-spy")
    add("--json", type=file_to_write, help="write everything here, anew after each run")
    add("--plot", type=Path, help="write a picture here, likewise")
    return parser


async def _run_case(name: str, given: Namespace, runs: list[Run]) -> None:
    """Add the runs of a case to ``runs``."""
    from eval.bench.benched_server import pinned
    from eval.bench.cases import CASES
    from eval.bench.efficientnet import home_with_efficientnet
    from eval.bench.media import encode
    from eval.bench.report import write_json, write_plot

    case = CASES[name]
    media = encode(given.clip, case.shape)
    print(f"\n{case.title}, server on core {_names(given.server_cores)}", flush=True)
    needs_home = case.face_model == "hsemotion"
    with (
        home_with_efficientnet() if needs_home else nullcontext() as home,
        pinned(given.peer_cores),
    ):
        for number in range(given.runs):
            runs.append(await _run(name, number, media, home, given))
            if given.json:
                write_json(given.json, runs)
            if given.plot:
                write_plot(given.plot, runs)
    if not given.peers:
        median = statistics.median(run.capacity for run in runs if run.case == name)
        print(f"{case.title}: {median:g} peers (median)")
    set_up_ms = statistics.median(run.set_up_ms for run in runs if run.case == name)
    print(f"from offer to answer, as a peer sees it: {set_up_ms:g} ms (median)")


async def _run(
    name: str, number: int, media: EncodedMedia, home: Path | None, given: Namespace
) -> Run:
    from eval.bench.benched_server import running
    from eval.bench.cases import CASES
    from eval.bench.load import Load
    from eval.bench.report import Run

    case = CASES[name]
    with (
        tempfile.TemporaryDirectory() as folder,
        running(given.server_cores, _command(case, given, Path(folder)), home) as server,
    ):
        idle_mb = server.resident_mb()
        async with Load(server, media) as load:
            capacity, levels = await _search(case, load, given)
            set_up_ms = round(statistics.median(load.set_ups_s) * 1000, 1)
    return Run(name, number + 1, capacity, server.ready_s, idle_mb, set_up_ms, tuple(levels))


def _command(case: Case, given: Namespace, folder: Path) -> list[str]:
    from eval.bench.benched_server import cluster_command, server_command

    flags = ["--face-model", case.face_model]
    if given.cluster:
        return cluster_command(folder, flags, given.workers, _MOST_PEERS)
    return server_command(
        [*flags, "--max-sessions", str(_MOST_PEERS), "--workers", str(given.workers)]
    )


async def _search(case: Case, load: Load, given: Namespace) -> tuple[int, list[Level]]:
    from tqdm import tqdm

    from eval.bench.profile import profiled
    from eval.bench.report import heading, line
    from eval.bench.search import most_that_hold
    from rtc.client import RefusedError

    levels: list[Level] = []
    print(heading(), flush=True)

    async def holds(count: int) -> bool:
        title = f"{count} peers"
        with (
            tqdm(total=given.seconds, desc=title, unit="s", leave=False) as progress,
            profiled(load.server.pid) if given.profile else nullcontext() as profile,
        ):
            try:
                level = await load.measured(count, given.seconds, progress.update)
            except RefusedError as error:
                tqdm.write(f"{count:>5}  no: {error}")
                return False
        tqdm.write(line(level))
        if profile is not None:
            tqdm.write(profile.summary())
        levels.append(level)
        return level.holds

    if given.peers:
        served = [count for count in given.peers if await holds(count)]
        return max(served, default=0), levels
    return await most_that_hold(holds, case.first, case.stride, _MOST_PEERS), levels


def _numbers(least: int) -> Callable[[str], list[int]]:
    read = integer(least)
    return lambda text: [read(part) for part in text.split(",")]


def _names(cores: Sequence[int]) -> str:
    return " and ".join(map(str, cores))


if __name__ == "__main__":
    sys.exit(main())
