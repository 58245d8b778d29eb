"""How a client asks a server over HTTP: by which ways it is reached, and to be let in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp

from rtc.config import IceServer

# A machine that is off answers nothing at all. One that is busy, or that waits for its TURN server,
# answers late.
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)

_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{2}(?::?[0-9A-Fa-f]{2}){31}")


class RefusedError(Exception):
    """The server refused; the message says why.

    Attributes:
        status: of HTTP.
        sentence: the server's reason.
        retry_after_s: when to come again, where the server said so.
    """

    def __init__(self, status: int, sentence: str, retry_after_s: int | None) -> None:
        super().__init__(f"the server refused ({status}): {sentence}")
        self.status = status
        self.sentence = sentence
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Ways:
    """By which a server can be reached.

    Attributes:
        ice_servers: which help to find one.
        relay_only: take no other than that of a TURN server.
    """

    ice_servers: tuple[IceServer, ...] = ()
    relay_only: bool = False


@dataclass(frozen=True)
class Door:
    """Where a server lets people in, and what that takes.

    Attributes:
        url: of the page, without the slash at the end.
        token: where the server asks for one.
        fingerprint: SHA-256, in hexadecimal, of the only certificate that is trusted; None for
            those that the system trusts.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    fingerprint: str | None = None

    def __post_init__(self) -> None:
        if self.fingerprint is not None and not _FINGERPRINT.fullmatch(self.fingerprint):
            raise ValueError(
                "a fingerprint has 64 hexadecimal digits, with colons between them or not, as the "
                f"server prints it; {self.fingerprint!r} is none"
            )

    def watch_url(self, watch_name: str) -> str:
        """Return where a browser shows the results of a session, with the token if there is one."""
        token = f"&token={quote(self.token, safe='')}" if self.token else ""
        return f"{self.url}/watch#session={watch_name}{token}"

    async def ask(self, offer: object) -> dict[str, str]:
        """POST an offer; return the answer: ``sdp``, ``type`` and ``session``.

        Args:
            offer: ``sdp`` and ``type``, or whatever else is to be tried.

        Raises:
            RefusedError: the status is another than 200, or what answers is no emotion server.
            aiohttp.ClientError: nobody answers there, or with another certificate.
        """
        return await self._fields("POST", "/offer", "sdp", offer)

    async def ways(self) -> Ways:
        """GET the configuration; return by which ways the server can be reached.

        Raises:
            RefusedError: the status is another than 200, or what answers is no emotion server.
            aiohttp.ClientError: nobody answers there, or with another certificate.
        """
        fields = await self._fields("GET", "/config", "ice_servers")
        try:
            servers = tuple(
                IceServer(tuple(each["urls"]), each.get("username"), each.get("credential"))
                for each in fields["ice_servers"]
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise RefusedError(200, f"its ICE servers cannot be read: {error}", None) from error
        return Ways(servers, relay_only=fields.get("ice_transport_policy") == "relay")

    async def _fields(
        self, method: str, path: str, needed: str, body: object = None
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with (
            aiohttp.ClientSession(headers=headers, timeout=_TIMEOUT) as http,
            http.request(method, self.url + path, json=body, ssl=self._trust()) as response,
        ):
            fields = _fields_in(await response.text(errors="replace"))
            if response.status == 200 and needed in fields:
                return fields
            sentence = fields.get("error", "an emotion server would say more; check the address")
            retry_after = response.headers.get("Retry-After", "")
            retry_after_s = int(retry_after) if retry_after.isdecimal() else None
            raise RefusedError(response.status, sentence, retry_after_s)

    def _trust(self) -> aiohttp.Fingerprint | bool:
        if self.fingerprint is None:
            return True
        return aiohttp.Fingerprint(bytes.fromhex(self.fingerprint.replace(":", "")))


async def post_offer(url: str, offer: object, token: str | None = None) -> dict[str, str]:
    """POST an offer, as ``Door.ask`` does."""
    return await Door(url, token).ask(offer)


def _fields_in(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
