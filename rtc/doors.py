"""Who may come in: whoever has the token, from a page of ours or of a site that is allowed."""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from rtc.refusals import RefusalError

# For everybody: the pages with their files, whether the server is well, and what it can be asked.
# All else is guarded.
_OPEN = re.compile(r"/|/watch|/static/.*|/healthz|/readyz|/openapi\.json")

_EXPOSED = "ETag, Link, Location, Retry-After"

_TOKEN = re.compile(r"[\x21-\x7e]{8,}")  # shorter ones are guessed


@dataclass(frozen=True)
class Doors:
    """What a visitor must bring.

    Attributes:
        token: that requests must carry (RFC 6750, section 2.1); None lets everybody in.
        allow_origins: sites whose pages may use this server, such as https://example.org.
    """

    token: str | None = field(default=None, repr=False)
    allow_origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.token is not None and not _TOKEN.fullmatch(self.token):
            raise ValueError(
                "the token must have at least 8 characters, and only letters, digits and signs of "
                "ASCII"
            )
        for origin in self.allow_origins:
            parts = urlsplit(origin)
            if (
                parts.scheme not in {"http", "https"}
                or origin != f"{parts.scheme}://{parts.netloc}"
            ):
                raise ValueError(
                    f"{origin!r} is no origin; write https://HOST or https://HOST:PORT, without a "
                    "slash at the end"
                )


def guard(app: web.Application, doors: Doors) -> None:
    """Let nobody past the page itself who may not come in."""

    @web.middleware
    async def guarded(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if _OPEN.fullmatch(request.path):
            return await handler(request)
        _check_origin(request, doors)
        if _is_preflight(request):
            return web.Response(headers=_preflight_headers())
        if request.method != hdrs.METH_OPTIONS:  # which tells nothing but what may be asked
            _check_token(request, doors)
        return await handler(request)

    async def allow(request: web.Request, response: web.StreamResponse) -> None:
        # On refusals, too: a page elsewhere is to be able to read why.
        if (origin := request.headers.get(hdrs.ORIGIN)) in doors.allow_origins:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = str(origin)
            response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _EXPOSED
            response.headers[hdrs.VARY] = hdrs.ORIGIN

    app.middlewares.append(guarded)
    app.on_response_prepare.append(allow)


def _check_origin(request: web.Request, doors: Doors) -> None:
    """Refuse pages of other sites: a browser tells whose page it was that asked (Fetch, 3.2)."""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None or origin in doors.allow_origins:
        return
    # A proxy that ends TLS changes the scheme, but neither host nor port.
    if urlsplit(origin).netloc != request.host:
        raise RefusalError(
            403,
            "origin",
            "Pages of another site may not use this server; its operator can allow them with "
            "--allow-origin.",
        )


def _is_preflight(request: web.Request) -> bool:
    return request.method == hdrs.METH_OPTIONS and hdrs.ACCESS_CONTROL_REQUEST_METHOD in (
        request.headers
    )


def _preflight_headers() -> dict[str, str]:
    return {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, POST, PATCH, DELETE",
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Authorization, Content-Type, If-Match, Last-Event-ID",
        hdrs.ACCESS_CONTROL_MAX_AGE: "600",
    }


def _check_token(request: web.Request, doors: Doors) -> None:
    if doors.token is None:
        return
    scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    # Compared in a time that does not tell how much of it was right.
    is_right = hmac.compare_digest(given.strip().encode(), doors.token.encode())
    if scheme.lower() != "bearer" or not is_right:
        why = "The token is not this server's" if given else "This server asks for a token"
        raise RefusalError(
            401,
            "token",
            f"{why}; open its page with #token=… at the end of the address, or send it as "
            "Authorization: Bearer.",
            {hdrs.WWW_AUTHENTICATE: "Bearer"},
        )
