"""The numbers a session lives by. Frozen: a running session never sees them change."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from models.tracker import TrackerConfig
from models.voice.features import SILENCE_RMS
from rtc.announcing import check_announced
from rtc.doors import Doors
from rtc.limits import AddressLimits
from rtc.uploads import UploadConfig

# RFC 7064 and 7065, as far as aiortc can follow: no stuns, no IPv6 addresses, no turns over UDP.
_ICE_URL = re.compile(
    r"(?P<scheme>stun|turns?):[\w.-]+(?::(?P<port>\d{1,5}))?(?P<transport>\?transport=(?:udp|tcp))?",
    re.ASCII,
)
_TRANSPORTS: dict[str, set[str | None]] = {
    "stun": {None},
    "turn": {None, "?transport=udp", "?transport=tcp"},
    "turns": {None, "?transport=tcp"},
}


@dataclass(frozen=True)
class IceServer:
    """Of one STUN or TURN server, W3C's ``RTCIceServer``.

    Attributes:
        urls: one or more of ``stun:HOST:PORT``, ``turn:HOST:PORT`` and ``turns:HOST:PORT``.
        username: of a TURN server, which needs one.
        credential: its password; not in ``repr``, so that it comes into no log and no traceback.
    """

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for url in self.urls:
            _check_ice_url(url)
        has_login = self.username and self.credential
        if not has_login and any(url.startswith("turn") for url in self.urls):
            raise ValueError(
                "a TURN server needs a username and a credential; give them with --ice-username "
                "and in the environment as ICE_CREDENTIAL"
            )

    def dictionary(self) -> dict[str, str | list[str]]:
        """Return it in W3C's form, credential included, for whoever is to connect there."""
        login = {"username": self.username, "credential": self.credential}
        return {"urls": list(self.urls)} | {name: text for name, text in login.items() if text}


@dataclass(frozen=True)
class SessionConfig:
    """Of one session.

    Attributes:
        tick_interval_s: time between two messages.
        result_wait_s: how long a tick waits for its own results; later ones go into the next. On
            a busy server messages come later but as often, and what they tell of is as new.
        silence_rms: where the newest second has a lower root mean square, in [0, 1], nobody
            speaks.
        min_window_s: sound needed before the first voice result.
        connect_timeout_s: a session that is not connected by then is ended.
        media_timeout_s: a connected session without any sound or picture for this long is ended.
        max_duration_s: how long a session may last; 0 is no limit.
        close_timeout_s: how long closing the connection may take.
        stall_s: media that arrives but can be decoded no more is begun anew after this long.
        max_buffered_bytes: with more than this unsent in the data channel, messages are dropped.
        max_message_bytes: of a message that a peer sends; a longer one is refused unread.
        max_messages_per_s: that a peer may send; those above are not read.
        max_packets_per_s: of media, of both kinds together; whoever sends more is sent away.
        tracker: smoothing and fusion, where a session begins; its peer may change them.
        ice_servers: which help the server and its peers to find a way; without any, none is asked.
        ice_relay_only: media goes by way of a TURN server, and no other, on both sides.
        announce_address: told to peers as ours, where a NAT maps it to this machine; None tells
            those that it has.
    """

    tick_interval_s: float = 0.5
    result_wait_s: float = 0.4
    silence_rms: float = SILENCE_RMS
    min_window_s: float = 0.5
    connect_timeout_s: float = 15.0
    media_timeout_s: float = 10.0
    max_duration_s: float = 0.0
    close_timeout_s: float = 3.0
    stall_s: float = 3.0
    max_buffered_bytes: int = 16_384
    max_message_bytes: int = 4096
    max_messages_per_s: int = 20
    max_packets_per_s: int = 3000
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    ice_servers: tuple[IceServer, ...] = ()
    ice_relay_only: bool = False
    announce_address: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.silence_rms <= 1:
            raise ValueError(f"silence_rms must be between 0 and 1, not {self.silence_rms}")
        if self.announce_address is not None:
            check_announced(self.announce_address)
        urls = [url for server in self.ice_servers for url in server.urls]
        if self.ice_relay_only and not any(url.startswith("turn") for url in urls):
            raise ValueError(
                "--ice-relay-only needs a TURN server; name it with --ice-server turn:HOST:PORT"
            )


@dataclass(frozen=True)
class ServerConfig:
    """Of one process.

    Attributes:
        max_sessions: how many people at once; the next one is told to come back later.
        most_delay_s: nobody more is served while results take longer than this to come about.
        max_offer_bytes: largest body of an offer.
        retry_after_s: when to come back, told to those who found the server full.
        place: of this process, where several serve; the control names of sessions begin with it.
        drain_s: how long those who are here may stay when the server is told to end.
        address_limits: of each address from which offers come.
        doors: who may come in.
        session: of each session.
        uploads: of recordings that are sent to be analysed; None takes none.
    """

    max_sessions: int = 32
    most_delay_s: float = 0.25
    max_offer_bytes: int = 65_536
    retry_after_s: int = 10
    place: str = ""
    drain_s: float = 5.0
    address_limits: AddressLimits = field(default_factory=AddressLimits)
    doors: Doors = field(default_factory=Doors)
    session: SessionConfig = field(default_factory=SessionConfig)
    uploads: UploadConfig | None = None

    def __post_init__(self) -> None:
        if self.max_sessions < 1:
            raise ValueError(f"max_sessions must be at least 1, not {self.max_sessions}")


def _check_ice_url(url: str) -> None:
    if "@" in url:  # not repeated: what stands before the @ may be a password
        raise ValueError(
            "the URL of an ICE server has no room for a password, so leave out all up to the @"
        )
    match = _ICE_URL.fullmatch(url)
    if (
        not match
        or match["transport"] not in _TRANSPORTS[match["scheme"]]
        or not 0 < int(match["port"] or 3478) < 65536
    ):
        raise ValueError(
            f"{url!r} is no ICE server; write stun:HOST:PORT, turn:HOST:PORT or turns:HOST:PORT, "
            "turn with ?transport=tcp after it if need be"
        )
