"""Passes a request on to another process of this server, and its answer back, as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterable, Mapping

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from rtc.streaming import write_out

# Events come at least each 15 s. Who does not even take a connection is on a machine that is gone.
PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=3.0, sock_read=60.0)

# Of one hop (RFC 9110, section 7.6.1); each hop has its own. Nothing here is packed.
_OF_ONE_HOP = frozenset(
    name.lower() for name in (
        hdrs.CONNECTION, hdrs.KEEP_ALIVE, hdrs.TRANSFER_ENCODING, hdrs.CONTENT_LENGTH,
        hdrs.ACCEPT_ENCODING,
    )
)  # fmt: skip


async def forward(
    request: web.Request,
    http: aiohttp.ClientSession,
    url: str,
    but: Collection[int] = (),
    headers: Mapping[str, str] | None = None,
) -> web.StreamResponse | None:
    """Ask for what ``request`` asks for; answer with what comes.

    Args:
        request: whose path, method, headers and body are taken.
        http: by which to ask.
        url: of the other process, without path.
        but: with one of these as status, nothing is answered.
        headers: in place of those of the same name.

    Returns:
        the answer, which has been sent; None for a status of ``but``, and where nobody answers.
    """
    target = URL(f"{url}{request.rel_url}", encoded=True)
    told = CIMultiDict(passed_on(request.headers))
    told.update(headers or {})
    body = await request.read()
    try:
        async with http.request(request.method, target, headers=told, data=body) as answer:
            if answer.status in but:
                return None
            reply = web.StreamResponse(status=answer.status)
            reply.headers.extend(passed_on(answer.headers))
            return await write_out(request, reply, _pieces(answer))
    except (aiohttp.ClientError, OSError, TimeoutError):
        return None  # a process that has died


def passed_on(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return those headers that go further than one hop."""
    pairs: Iterable[tuple[str, str]] = headers.items()
    return tuple((name, text) for name, text in pairs if name.lower() not in _OF_ONE_HOP)


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    async for piece in answer.content.iter_any():
        yield piece
