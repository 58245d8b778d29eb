"""Keeps a peer's consent to be sent to, over bad networks too (RFC 7675).

aioice asks every 5 s, once, and ends the connection after six questions without an answer. Where a
third of all packets is lost in both directions that happens by chance, on average after 10 minutes.
Here a question that got no answer is followed by the next one sooner.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass

import aioice
from aioice import stun


@dataclass(frozen=True)
class ConsentConfig:
    """When to ask; times in seconds.

    Attributes:
        interval_s: from an answer to the next question, 0.8 to 1.2 times this (section 5.1).
        again_s: from the end of a question that got no answer to the next; aioice waits half a
            second for one. Section 5.1 would have no less than 4 s, to spare the network: it is
            for lost answers alone.
        expiry_s: without an answer for this long, consent is over (section 5.1).
    """

    interval_s: float = 5.0
    again_s: float = 1.0
    expiry_s: float = 30.0


def keep_consent(connection: aioice.Connection, config: ConsentConfig | None = None) -> None:
    """Have ``connection``, which is yet to connect, ask in this way instead of in aioice's."""
    # aioice has no setting for it; it is pinned, and tests hold it.
    vars(connection)["query_consent"] = lambda: _ask_for_ever(connection, config or ConsentConfig())


async def _ask_for_ever(connection: aioice.Connection, config: ConsentConfig) -> None:
    """Ask until consent is over, then close the connection."""
    loop = asyncio.get_running_loop()
    expires_at = loop.time() + config.expiry_s
    pause_s = config.interval_s
    while loop.time() < expires_at:
        await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311  that not all ask at once
        if await _is_answered(connection):
            expires_at = loop.time() + config.expiry_s
            pause_s = config.interval_s
        else:
            pause_s = config.again_s
    connection._query_consent_task = None  # noqa: SLF001  else closing would wait for this very task
    await connection.close()


async def _is_answered(connection: aioice.Connection) -> bool:
    assert connection.remote_password is not None  # there was a check before
    for pair in tuple(connection._nominated.values()):  # noqa: SLF001  as above
        with contextlib.suppress(stun.TransactionError):
            await pair.protocol.request(
                connection.build_request(pair, nominate=False),
                pair.remote_addr,
                integrity_key=connection.remote_password.encode(),
                retransmissions=0,
            )
            return True
    return False
