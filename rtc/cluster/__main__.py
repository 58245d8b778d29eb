"""Starts a cluster on this machine, or deploys to one: ``python -m rtc.cluster deploy/serve.yaml``.

Ray's own ``serve run`` and ``serve deploy`` take the same file. This says what is wrong in one
line, before anything is started, and tells nobody that Ray is used.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Event

from models.command_line import CommandParser
from models.threads import limit_threads_or_exit

# Imports that load numpy or Ray stand inside the functions: threads must be limited before, and Ray
# may not be there.

RAY_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # else it reports to its makers
    # How often its controller looks at what is to be done: ten times a second costs it the time
    # of two people.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",
    # What was under way to a machine that died hangs until Ray knows of it: after 3 s, which is
    # before a page misses its results, instead of 15.
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; a cluster that runs already goes on by itself.

    Returns:
        0; 2 when the file is wrong, else 1.
    """
    try:
        return _main(argv)
    except KeyboardInterrupt:
        return 0  # while it starts


def _main(argv: Sequence[str] | None) -> int:
    limit_threads_or_exit()
    parser = CommandParser(prog="rtc.cluster", description=__doc__)
    parser.add_argument("file", type=Path, help="such as deploy/serve.yaml")
    parser.add_argument(
        "--address",
        metavar="ADDRESS",
        help="of a Ray cluster that runs already, or auto for the one that this machine is part of "
        "[default: start one on this machine, which ends with this command]",
    )
    given = parser.parse_args(argv)
    if find_spec("ray") is None:
        return _failed("Ray is not installed; it comes with: pip install '.[cluster]'")
    os.environ.update(RAY_ENVIRONMENT | _access() | os.environ)
    from rtc.cluster.deployment import DeploymentError, deployed, url_for
    from rtc.cluster.description import FileError, read

    try:
        cluster = read(given.file)
        url = url_for(cluster, given.address)
        what = "Deploying" if given.address else "Starting a cluster on this machine"
        print(f"{what}; this takes up to a minute.", file=sys.stderr)
        with deployed(cluster, given.address):
            ends_by = "'serve shutdown -y'" if given.address else "Ctrl-C"
            sentence = f"Open {url} in a browser and click Start. {ends_by} ends the cluster."
            print(sentence, flush=True)
            if not given.address:
                _until_signal()
    except FileError as error:
        return _failed(f"{given.file}: {error}", code=2)
    except DeploymentError as error:
        return _failed(str(error))
    return 0


def _access() -> dict[str, str]:
    """Have Ray show its token where there is one, as ``ray start`` asks for it then."""
    named = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ)
    has_token = named or (Path.home() / ".ray" / "auth_token").exists()
    return {"RAY_AUTH_MODE": "token"} if has_token else {}


def _until_signal() -> None:
    told = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    told.wait()


def _failed(sentence: str, code: int = 1) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
