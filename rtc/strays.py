"""Tasks of aiortc that nobody waits for: their connection's end may overtake them.

aiortc 1.16 connects, retransmits and flushes in such tasks. When the connection is closed meanwhile
they raise, and asyncio would log each of them as an error, with a traceback, of nobody's session.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import aiortc
from aiortc.exceptions import InvalidStateError
from OpenSSL import SSL

_log = logging.getLogger(__name__)

_AIORTC = str(Path(aiortc.__file__).parent)
_OVERTAKEN = (ConnectionError, InvalidStateError, SSL.Error)


def tolerate_strays(loop: asyncio.AbstractEventLoop) -> None:
    """Have what overtaken tasks raise be logged for debugging only; all else as asyncio does."""
    loop.set_exception_handler(_on_exception)


def _on_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    task, error = context.get("future"), context.get("exception")
    if isinstance(error, _OVERTAKEN) and _is_of_aiortc(task):
        _log.debug("the end of its connection has overtaken %r", task)
    else:
        loop.default_exception_handler(context)


def _is_of_aiortc(task: object) -> bool:
    code = getattr(task.get_coro(), "cr_code", None) if isinstance(task, asyncio.Task) else None
    return code is not None and code.co_filename.startswith(_AIORTC)
