"""How a request is refused: a status, a sentence of JSON, and a word by which it is counted."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from rtc.reasons import Reason

_log = logging.getLogger(__name__)

REFUSED: web.AppKey[Counter[str]] = web.AppKey("refused")
"""How many requests were refused since the process began, by reason."""

FROM_OUTSIDE: web.RequestKey[bool] = web.RequestKey("from outside")
"""Of a request that has come by such a socket as workers have, and yet from no worker."""


class RefusalError(Exception):
    """Raised by whoever refuses a request.

    Attributes:
        status: of HTTP.
        reason: one word for counts.
        sentence: for whoever asked.
        headers: that the answer carries besides.
    """

    def __init__(
        self, status: int, reason: Reason, sentence: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.reason = reason
        self.sentence = sentence
        self.headers = dict(headers or {})


def come_again(status: int, reason: Reason, sentence: str, after_s: int) -> RefusalError:
    """Refuse for now, and say when it is worth trying again."""
    # Who comes again is to come to the worker that has room then, over a new connection.
    headers = {"Retry-After": str(after_s), "Connection": "close"}
    return RefusalError(status, reason, sentence, headers)


@web.middleware
async def refusals_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer every refusal, ours and aiohttp's, in one form, and count it."""
    try:
        return await handler(request)
    except RefusalError as error:
        refusal = error
    except web.HTTPRequestEntityTooLarge:
        limit_kb = request.client_max_size // 1024
        refusal = RefusalError(413, "too_large", f"The body is larger than {limit_kb} KB.")
    except web.HTTPNotFound:
        refusal = RefusalError(404, "not_found", f"There is nothing at {request.path}.")
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        sentence = f"{request.path} takes {allowed} only."
        refusal = RefusalError(405, "method", sentence, {"Allow": allowed})
    except web.HTTPException:
        raise
    except Exception:  # noqa: BLE001  logged whole; the asker is told that it was not them
        _log.exception("%s %s failed", request.method, _route(request))
        sentence = "Something failed on the server; its log has the details."
        refusal = RefusalError(500, "fault", sentence)
    if not is_of_worker(request):  # which goes on asking the others
        request.app[REFUSED][refusal.reason] += 1
        _log.info("refused: %s", refusal.reason)
    return web.json_response(
        {"error": refusal.sentence}, status=refusal.status, headers=refusal.headers
    )


def is_of_worker(request: web.Request) -> bool:
    """Whether another worker of this server asks: by a socket whose address is a path."""
    transport = request.transport
    if request.get(FROM_OUTSIDE, False):
        return False
    return transport is not None and isinstance(transport.get_extra_info("sockname"), str)


def _route(request: web.Request) -> str:
    """Return the path of a request without the names in it, which are secrets."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "what is nowhere"
