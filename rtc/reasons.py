"""The words by which refusals and faults are counted; every one is there from the start, at 0."""

from __future__ import annotations

from typing import Literal, get_args

Reason = Literal[
    "full",
    "late",
    "stopping",
    "no_way",
    "sessions_per_address",
    "offers_per_minute",
    "malformed",
    "too_large",
    "type",
    "token",
    "origin",
    "not_found",
    "gone",
    "watchers",
    "restart",
    "stale",
    "uploads_off",
    "analysing",
    "too_slow",
    "too_long",
    "not_media",
    "no_room",
    "method",
    "fault",
]
"""Why a request is refused."""

Fault = Literal[
    "sound-stalled",
    "pictures-stalled",
    "voice-failed",
    "face-failed",
    "too-many-messages",
]
"""What goes wrong in a session that goes on; the code of the notice that tells its peer."""

Event = Literal["stopping", "over", "ended"]
"""What else a notice may tell: the server ends soon; this session ends, and coming back is vain; it
has ended, as those who watch it are told."""

REASONS: tuple[Reason, ...] = get_args(Reason)
FAULTS: tuple[Fault, ...] = get_args(Fault)
