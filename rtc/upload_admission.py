"""Who may have a recording analysed: who does not ask all the time, until the server stops."""

from __future__ import annotations

from aiohttp import web

from rtc.admission import full
from rtc.keys import CONFIG, REGISTRY
from rtc.limits import TooManyError
from rtc.refusals import come_again
from rtc.registry import ServerFullError


def admit_upload(request: web.Request) -> None:
    """Count a recording as an offer, so that no visitor takes the one place again and again.

    Raises:
        RefusalError: too many came from that address, or the server is about to stop.
    """
    registry = request.app[REGISTRY]
    try:
        registry.visitors.ask(request.remote or "")
        registry.check_room()
    except TooManyError as error:
        raise come_again(429, error.reason, str(error), error.retry_after_s) from error
    except ServerFullError as error:
        # That nobody more can be served live is no reason: those who are come first.
        if error.reason == "stopping":
            raise full(error, request.app[CONFIG]) from error
