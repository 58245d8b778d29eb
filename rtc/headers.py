"""What answers say in their headers: what the page may do, and that its files come as gzip."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath

from aiohttp import ETag, hdrs, web

# The page has neither script nor style inside its HTML, loads everything from here, and is in
# nobody's frame. Its one video shows the camera itself, for which no directive is needed.
_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self), microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_TEXT_SUFFIXES = {"", ".html", ".css", ".js", ".svg"}  # "" is the page at /

# Named, and not with the quality zero that means "anything but this".
_GZIP_ACCEPTED = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))", re.IGNORECASE)

# With one of these the answer may be that nothing has changed, which has no body.
_CONDITIONS = (
    hdrs.IF_NONE_MATCH, hdrs.IF_MODIFIED_SINCE, hdrs.IF_MATCH, hdrs.IF_UNMODIFIED_SINCE,
)  # fmt: skip


def set_headers(app: web.Application) -> None:
    """Have every answer carry the security headers, and text files go out as gzip if wanted."""
    app.on_response_prepare.append(_secure)
    app.on_response_prepare.append(_describe_as_gzip)
    app.middlewares.append(_compress)


async def _secure(request: web.Request, response: web.StreamResponse) -> None:  # noqa: ARG001  aiohttp's signature
    response.headers.update(_SECURITY_HEADERS)
    response.headers.popall(hdrs.SERVER, None)  # of which version it is, nobody needs to know


@web.middleware
async def _compress(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    response = await handler(request)
    if not _is_text_file(request, response):
        return response
    response.headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
    # Asked for anew each time, so that no browser mixes modules of two versions of the page.
    response.headers[hdrs.CACHE_CONTROL] = "no-cache"
    # aiohttp would end even an answer without a body with gzip's trailer, which the browser takes
    # for the start of the next answer; so what may have no body is not compressed.
    has_body = request.method == hdrs.METH_GET and not any(
        c in request.headers for c in _CONDITIONS
    )
    if has_body and _is_gzip_wanted(request):
        response.enable_compression(web.ContentCoding.gzip)
    return response


async def _describe_as_gzip(request: web.Request, response: web.StreamResponse) -> None:
    """Give what was not compressed for want of a body the headers of what would have been."""
    if not (_is_text_file(request, response) and _is_gzip_wanted(request) and response.etag):
        return
    # aiohttp's tag is that of the file; as gzip the file means the same but has other bytes.
    response.etag = ETag(response.etag.value, is_weak=True)
    if request.method == hdrs.METH_HEAD and response.status == web.HTTPOk.status_code:
        response.headers[hdrs.CONTENT_ENCODING] = web.ContentCoding.gzip.value
        response.headers.popall(hdrs.CONTENT_LENGTH, None)


def _is_text_file(request: web.Request, response: web.StreamResponse) -> bool:
    return (
        isinstance(response, web.FileResponse)
        and PurePosixPath(request.path).suffix in _TEXT_SUFFIXES
    )


def _is_gzip_wanted(request: web.Request) -> bool:
    # A part of a file is asked for as the file lies there.
    accepted = request.headers.get(hdrs.ACCEPT_ENCODING, "")
    return hdrs.RANGE not in request.headers and _GZIP_ACCEPTED.search(accepted) is not None
