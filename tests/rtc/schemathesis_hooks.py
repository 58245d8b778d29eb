"""What schemathesis could not make up: SDP that a server can answer, and how it is sent."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import strategies

from tests.rtc.description import Description

for _format, _name in (("sdp", "SdpOffer"), ("sdpfrag", "SdpFragment")):
    _examples = Description().schema(_name)["examples"]
    schemathesis.openapi.format(_format, strategies.sampled_from(_examples))


@schemathesis.serializer("application/sdp", "application/trickle-ice-sdpfrag")
def as_text(ctx: schemathesis.SerializationContext, value: object) -> bytes:  # noqa: ARG001
    """Send it as it is."""
    return str(value).encode(errors="surrogateescape")


@schemathesis.hook
def before_load_schema(
    ctx: schemathesis.HookContext,  # noqa: ARG001
    raw_schema: dict[str, Any],
) -> None:
    """Have what WHIP begins be changed, watched and ended.

    OpenAPI's own links cannot take a part of a header; schemathesis can.
    """
    control = {"path.name": "$response.header.Location#regex:/whip/(.+)"}
    watch = {"path.name": "$response.header.Link#regex:/sessions/([^/]+)/"}
    tag = {"header.If-Match": "$response.header.ETag"}
    raw_schema["paths"]["/whip"]["post"]["responses"]["201"]["links"] = {
        "candidates": {"operationId": "patchWhip", "parameters": control | tag},
        "newest": {"operationId": "getSession", "parameters": watch},
        "end": {"operationId": "deleteWhip", "parameters": control},
    }
