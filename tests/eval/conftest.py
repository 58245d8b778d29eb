"""A recording that several tests of evaluation play."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.eval.recordings import talking_person


@pytest.fixture(scope="session")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A woman who speaks, with both kinds."""
    return talking_person(tmp_path_factory.mktemp("talking"))
