"""What is logged is one line an event, whatever it is of."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
from structlog.contextvars import bound_contextvars

from rtc.logs import event_formatter


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger, and where its lines go."""
    logger, lines = logging.getLogger("tests.events"), io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(event_formatter())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield logger, lines
    logger.removeHandler(handler)
    logger.propagate = True


def test_a_line_has_time_level_session_and_facts(log: tuple[logging.Logger, io.StringIO]) -> None:
    """It can be read by a person and by a program: ``key=value``, blanks in quotes."""
    logger, lines = log
    with bound_contextvars(session="ab12"):
        logger.info("session ended", extra={"why": "it was asked to end", "skipped": 3})
    line = lines.getvalue()
    assert line.startswith("timestamp=20")
    assert line.endswith(
        'Z level=info logger=tests.events session=ab12 event="session ended" '
        'why="it was asked to end" skipped=3\n'
    )


def test_a_traceback_stays_on_its_line(log: tuple[logging.Logger, io.StringIO]) -> None:
    """An error with all it has to say is one line, so that nothing else can come between."""
    logger, lines = log
    try:
        int("no\nway")
    except ValueError:
        logger.exception("it failed")
    line = lines.getvalue()
    assert line.count("\n") == 1
    assert "ValueError: invalid literal" in line


def test_what_a_stranger_sends_cannot_make_a_line(log: tuple[logging.Logger, io.StringIO]) -> None:
    """Line breaks and quotes in a value do not end it."""
    logger, lines = log
    logger.warning("%s failed", 'GET /x" level=error\nlevel=critical')
    line = lines.getvalue()
    assert line.count("\n") == 1
    assert r"\"" in line


def test_passwords_of_connections_are_taken_out(log: tuple[logging.Logger, io.StringIO]) -> None:
    """Of a description that a library logs, user fragment and password are left out, alone."""
    logger, lines = log
    logger.info("answer(a=ice-ufrag:wxyz\r\na=ice-pwd:Secret+/123\r\na=setup:active)")
    line = lines.getvalue()
    assert "wxyz" not in line
    assert "Secret" not in line
    assert "a=setup:active" in line
