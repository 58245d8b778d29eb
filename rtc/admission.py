"""An offer over HTTP, whichever door it comes by: read, admitted, or refused with a status."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from rtc.config import ServerConfig
from rtc.keys import CONFIG, REGISTRY
from rtc.limits import TooManyError
from rtc.naming import KeyRefusedError
from rtc.offers import Offer, OfferError
from rtc.refusals import RefusalError, come_again
from rtc.registry import Admitted, ServerFullError
from rtc.ways import NoWayError

SESSION_ID = web.RequestKey("session_id", str)
"""Where a request carries the id of the session that it began."""


async def admit(
    request: web.Request,
    content_type: str,
    read: Callable[[bytes], Offer],
) -> Admitted:
    """Serve whoever offers from now on.

    Args:
        request: with the offer as its body.
        content_type: that the body must have.
        read: makes an offer of the body.

    Raises:
        RefusalError: nobody is served.
    """
    registry, address = request.app[REGISTRY], request.remote or ""
    try:
        registry.visitors.ask(address)
        if request.content_type != content_type:
            raise RefusalError(415, "type", f"Send the offer as Content-Type: {content_type}.")
        offer = read(await request.read())
        admitted = await registry.admit(offer.description, address, offer.key)
    except (OfferError, KeyRefusedError) as error:
        raise RefusalError(400, "malformed", str(error)) from error
    except ConnectionResetError as error:  # from reading: who asked has gone, and reads no answer
        raise RefusalError(400, "malformed", "The request broke off.") from error
    except TooManyError as error:
        raise come_again(429, error.reason, str(error), error.retry_after_s) from error
    except (ServerFullError, NoWayError) as error:
        raise full(error, request.app[CONFIG]) from error
    request[SESSION_ID] = admitted.session.session_id
    if request.transport is None or request.transport.is_closing():
        admitted.session.end("whoever offered went away before the answer")
    return admitted


def full(error: ServerFullError | NoWayError, config: ServerConfig) -> RefusalError:
    """Return the refusal of somebody for whom there is no place now."""
    sentence = f"{error} Try again in {config.retry_after_s} seconds."
    return come_again(503, error.reason, sentence, config.retry_after_s)
