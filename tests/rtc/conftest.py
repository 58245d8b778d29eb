"""A server that analyses recordings, of which nothing may stay."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from models.loading import ModelConfig
from rtc.config import ServerConfig, SessionConfig
from rtc.uploads import UploadConfig
from tests.analyses import StartAnalysing, analysts, held_in
from tests.conftest import StartServer
from tests.waiting import until


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which this process makes temporary files."""
    folder = tmp_path / "held"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
async def start_analysing(start_server: StartServer, held: Path) -> AsyncIterator[StartAnalysing]:
    """Start servers that analyse recordings, and return their addresses.

    In the end, while they still run, neither a process nor a file may be left.
    """

    async def start(session: SessionConfig | None = None, **limits: Any) -> str:
        uploads = UploadConfig(ModelConfig(face_model="embedded"), **limits)
        config = ServerConfig(uploads=uploads, session=session or SessionConfig())
        return (await start_server(config)).url

    yield start
    await until(lambda: not analysts() and not held_in(held))


@pytest.fixture(scope="session")
def clip(talking: Path) -> bytes:
    """The recording of a woman who speaks, as it is sent."""
    return talking.read_bytes()
