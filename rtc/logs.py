"""One line an event on standard error, as ``key=value``, with the session that it is of."""

from __future__ import annotations

import logging
import re
import sys

import structlog
from structlog.typing import EventDict, WrappedLogger

# Whoever knows it can take a peer's place in the connection (RFC 8839, section 5.4).
_SECRET = re.compile(r"(a=ice-(?:pwd|ufrag):)[^\s\\]+")


def log_to_stderr(level: str) -> None:
    """Send what is logged, by libraries too, from ``level`` on to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(event_formatter())
    logging.basicConfig(level=level, handlers=[handler])
    if level == "INFO":  # at which aioice tells of each check of each address
        logging.getLogger("aioice").setLevel(logging.WARNING)


def event_formatter() -> logging.Formatter:
    """Return what makes one line of each event, whatever is in it."""
    return structlog.stdlib.ProcessorFormatter(
        # Of the session in whose task it happened: see SessionRegistry.admit.
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper("iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _without_secrets,
            structlog.processors.LogfmtRenderer(
                key_order=["timestamp", "level", "logger", "session", "event"],
                drop_missing=True,
            ),
        ],
    )


def _without_secrets(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:  # noqa: ARG001  structlog's signature
    """Take out the passwords of connections: aiortc logs offers and answers whole."""
    return {
        key: _SECRET.sub(r"\1...", value) if isinstance(value, str) else value
        for key, value in event.items()
    }
