"""WHIP, the door for OBS, GStreamer, ffmpeg and whatever else sends by a standard (RFC 9725).

The name by which a session is watched is not the one by which it is ended: who is given the link
to watch must not be able to end it.
"""

from __future__ import annotations

from functools import partial

from aiohttp import ETag, hdrs, web
from multidict import CIMultiDict

from rtc.admission import admit
from rtc.config import IceServer
from rtc.keys import CONFIG, REGISTRY
from rtc.offers import read_sdp
from rtc.refusals import RefusalError
from rtc.session import PeerSession
from rtc.siblings import by_its_worker
from rtc.trickle import FragmentError, RestartError, read_fragment

_SDP = "application/sdp"
_FRAGMENT = "application/trickle-ice-sdpfrag"


def add_whip(app: web.Application) -> None:
    """Serve ``/whip`` and the sessions that come about there."""
    app.router.add_post("/whip", publish)
    app.router.add_options("/whip", options)
    app.router.add_patch("/whip/{name}", by_its_worker(add_candidates))
    app.router.add_delete("/whip/{name}", by_its_worker(end))
    app.on_response_prepare.append(_say_what_is_taken)


async def publish(request: web.Request) -> web.Response:
    """``POST /whip``: an offer as SDP in, 201 and the answer out (section 4.2).

    A ``Link`` of relation ``monitor`` (RFC 5989) says where its results are. Programs that show
    nobody the answer's headers bring a key, as they do elsewhere: ``?key=KEY``.
    """
    read = partial(read_sdp, key=request.query.get("key"))
    session, answer, names = await admit(request, _SDP, read)
    ice_servers = request.app[CONFIG].session.ice_servers
    headers = CIMultiDict({hdrs.LOCATION: f"/whip/{names.control}", hdrs.CACHE_CONTROL: "no-store"})
    for each in (*map(_link, ice_servers), f'</sessions/{names.watch}/events>; rel="monitor"'):
        headers.add(hdrs.LINK, each)
    # As bytes: aiohttp would add a charset, which this media type does not have (RFC 8866, 8.1).
    response = web.Response(
        status=201, body=answer.sdp.encode(), content_type=_SDP, headers=headers
    )
    response.etag = ETag(session.session_id)  # there is one set of ICE credentials in a session
    return response


async def options(request: web.Request) -> web.Response:  # noqa: ARG001  aiohttp's signature
    """``OPTIONS /whip``: which media type is taken (section 4.2)."""
    return web.Response(headers={hdrs.ALLOW: "OPTIONS, POST"})


async def add_candidates(request: web.Request) -> web.Response:
    """``PATCH`` of a session: candidates that were not in the offer (section 4.3.1).

    Restarts of ICE are refused as section 4.3.3 asks of servers that do not have them: a peer
    whose address has changed is found by its next check without one.
    """
    session = _controlled(request)
    if request.content_type != _FRAGMENT:
        raise RefusalError(415, "type", f"Send candidates as Content-Type: {_FRAGMENT}.")
    _check_precondition(request, session)
    try:
        await session.trickle.add(read_fragment(await request.read()))
    except RestartError as error:
        raise _restart() from error
    except FragmentError as error:
        raise RefusalError(400, "malformed", str(error)) from error
    return web.Response(status=204)


async def end(request: web.Request) -> web.Response:
    """``DELETE`` of a session ends it."""
    _controlled(request).end("its publisher ended it")
    return web.Response()


async def _say_what_is_taken(request: web.Request, response: web.StreamResponse) -> None:
    # Also where a browser asks before it asks (CORS), which is answered before the routes are.
    if request.method == hdrs.METH_OPTIONS and request.path == "/whip":
        response.headers["Accept-Post"] = _SDP


def _controlled(request: web.Request) -> PeerSession:
    directory, name = request.app[REGISTRY].directory, request.match_info["name"]
    if session := directory.controlled(name):
        return session
    if directory.was_controlled(name):
        raise RefusalError(410, "gone", "This session has ended.")
    raise RefusalError(404, "not_found", "There is no such session; POST an offer to /whip.")


def _check_precondition(request: web.Request, session: PeerSession) -> None:
    """See that the candidates are of the ICE session that there is (section 4.3.1)."""
    if hdrs.IF_MATCH not in request.headers:
        raise RefusalError(428, "stale", "Send the answer's ETag as If-Match with candidates.")
    tags = request.if_match or ()
    if any(tag.value == "*" for tag in tags):
        raise _restart()
    if not any(tag.value == session.session_id and not tag.is_weak for tag in tags):
        raise RefusalError(412, "stale", "If-Match is not the ETag of this session.")


def _restart() -> RefusalError:
    return RefusalError(
        422, "restart", "This server does not restart ICE; end the session and POST a new offer."
    )


def _link(server: IceServer) -> str:
    """Return a ``Link`` of one server (section 4.6)."""
    login = {"username": server.username, "credential": server.credential}
    fields = [f'{name}="{_quoted(text)}"' for name, text in login.items() if text]
    if fields:
        fields.append('credential-type="password"')
    return ", ".join("; ".join([f"<{url}>", 'rel="ice-server"', *fields]) for url in server.urls)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')  # RFC 9110, section 5.6.4
