"""Whatever is asked of the running server, the answer is as the OpenAPI description says."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from rtc.config import ServerConfig, SessionConfig
from rtc.limits import AddressLimits
from tests.conftest import StartServer

_HERE = Path(__file__).parent
_PROGRAM = Path(sys.executable).parent / "schemathesis"
_BOUNDLESS = AddressLimits(sessions=0, offers_per_minute=0)


@pytest.mark.timeout(300)
async def test_schemathesis_finds_nothing(start_server: StartServer, tmp_path: Path) -> None:
    """Right and wrong requests of every operation get statuses, headers and bodies as described.

    Nor does any get 500, and methods that are not described get 405.
    """
    # Offers that are taken bring no peer: what is left of them is to be gone soon.
    config = ServerConfig(
        max_sessions=10_000,
        address_limits=_BOUNDLESS,
        session=SessionConfig(connect_timeout_s=1.0),
    )
    server = await start_server(config)
    process = await asyncio.create_subprocess_exec(
        *(_PROGRAM, "--config-file", _HERE / "schemathesis.toml"),
        *("run", f"{server.url}/openapi.json", "--no-color"),
        stdout=PIPE,
        stderr=STDOUT,
        cwd=tmp_path,  # where it would leave its notes
        env=os.environ
        | {
            "PYTHONPATH": str(_HERE.parents[1]),
            "SCHEMATHESIS_HOOKS": "tests.rtc.schemathesis_hooks",
        },
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    print(said.decode())  # shown when the test fails, and by -rP
    assert process.returncode == 0
