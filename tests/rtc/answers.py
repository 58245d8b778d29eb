"""Requests that get, one after the other, every answer that the OpenAPI description names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.rtc.description import Description

DESCRIPTION = Description()
SDP = DESCRIPTION.schema("SdpOffer")["examples"][0]
_FRAGMENT = DESCRIPTION.schema("SdpFragment")["examples"][0]
_OFFER = json.dumps({"sdp": SDP, "type": "offer"})
_JSON = {"Content-Type": "application/json"}
AS_SDP = {"Content-Type": "application/sdp"}
_AS_FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "{etag}"}
_LARGE = "x" * 70_000


@dataclass(frozen=True)
class Case:
    """A request and its answer's status.

    Attributes:
        of: the session that the path names: live, spare, ended or nobody.
        query: behind the path.
    """

    operation: str
    status: int
    body: str | bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    of: str = "live"
    query: str = ""


_OFFERS = [("postOffer", _JSON, _OFFER), ("postWhip", AS_SDP, SDP)]
PLAIN = [
    *(Case(page, 200) for page in ("getPage", "getWatchPage", "getFile")),
    *(
        Case(page, status, headers={name: value})
        for page in ("getPage", "getWatchPage", "getFile")
        for status, name, value in (
            (206, "Range", "bytes=0-9"),
            (304, "If-None-Match", "*"),
            (412, "If-Match", '"other"'),
            (416, "Range", "bytes=99999999-"),
        )
    ),
    Case("getFile", 404, of="nobody"),
    *(
        Case(name, 200)
        for name in ("getHealth", "getReadiness", "getConfig", "getMetrics", "getDescription")
    ),
    Case("postOffer", 200, _OFFER, _JSON),
    Case("postOffer", 400, "{}", _JSON),
    Case("postOffer", 413, _LARGE, _JSON),
    Case("postOffer", 415, _OFFER, AS_SDP),
    Case("optionsWhip", 200),
    Case("postWhip", 201, SDP, AS_SDP),
    Case("postWhip", 400, "v=0", AS_SDP),
    Case("postWhip", 400, SDP, AS_SDP, query="?key=short"),
    Case("postWhip", 413, _LARGE, AS_SDP),
    Case("postWhip", 415, SDP, _JSON),
    Case("patchWhip", 204, _FRAGMENT, _AS_FRAGMENT),
    Case("patchWhip", 400, "hello", _AS_FRAGMENT),
    Case("patchWhip", 404, _FRAGMENT, _AS_FRAGMENT, of="nobody"),
    Case("patchWhip", 410, _FRAGMENT, _AS_FRAGMENT, of="ended"),
    Case("patchWhip", 412, _FRAGMENT, _AS_FRAGMENT | {"If-Match": '"other"'}),
    Case("patchWhip", 413, _LARGE, _AS_FRAGMENT),
    Case("patchWhip", 415, _FRAGMENT, _AS_FRAGMENT | AS_SDP),
    Case("patchWhip", 422, _FRAGMENT, _AS_FRAGMENT | {"If-Match": "*"}),
    Case("patchWhip", 428, _FRAGMENT, {"Content-Type": _AS_FRAGMENT["Content-Type"]}),
    Case("deleteWhip", 200, of="spare"),
    Case("deleteWhip", 404, of="nobody"),
    Case("deleteWhip", 410, of="ended"),
    Case("postSessions", 201),
    Case("getSession", 200),
    *(
        Case(name, status, of=of)
        for name in ("getSession", "getEvents")
        for status, of in ((404, "nobody"), (410, "ended"))
    ),
    *(
        Case(name, 403, headers={"Origin": "https://elsewhere.example"})
        for name, operation in DESCRIPTION.operations.items()
        if "403" in operation.responses
    ),
]
GUARDED = [Case(name, 401) for name, each in DESCRIPTION.operations.items() if each.needs_token]
FULL = [
    *(Case(name, 503, body, headers) for name, headers, body in _OFFERS),
    Case("getReadiness", 503),
]
LIMITED = [Case(name, 429, body, headers) for name, headers, body in _OFFERS]
IN_OTHER_TESTS = {
    *(("getEvents", status) for status in (200, 429)),
    *(("postAnalyze", status) for status in (200, 400, 408, 413, 415, 422, 429, 500, 503, 507)),
}
