"""The flags that bound what a stranger can ask for, and those of who may come in at all."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from models.command_line import from_environment, integer, number

if TYPE_CHECKING:
    from rtc.config import ServerConfig, SessionConfig
    from rtc.doors import Doors

# Imports that load numpy stand inside the functions: threads must be limited before.

_Add = Callable[..., argparse.Action]

_LONGEST_S = 86_400


class _Flag(NamedTuple):
    name: str
    type: Callable[[str], float]
    default: float
    metavar: str
    help: str


def add_limit_flags(add: _Add) -> None:
    """Add a flag for each limit but that of all sessions, which stands with the workers."""
    from rtc.config import ServerConfig, SessionConfig

    server, session = ServerConfig(), SessionConfig()
    one, seconds, free = integer(1), number(0.1, _LONGEST_S), number(0, _LONGEST_S)
    address = server.address_limits
    flags = (
        _Flag("max-sessions-per-address", integer(0), address.sessions, "N",
              "sessions of one address at once, 0 for any number, as behind a proxy"),
        _Flag("max-offers-per-minute", integer(0), address.offers_per_minute, "N",
              "offers of one address in a minute, 0 for any number, as behind a proxy"),
        _Flag("max-offer-bytes", integer(1024), server.max_offer_bytes, "N", "size of an offer"),
        _Flag("connect-timeout", seconds, session.connect_timeout_s, "S",
              "seconds in which a connection must come about"),
        _Flag("media-timeout", seconds, session.media_timeout_s, "S",
              "seconds without sound and picture, after which a session ends"),
        _Flag("max-duration", free, session.max_duration_s, "S",
              "seconds that a session may last, 0 for any length"),
        _Flag("max-message-bytes", integer(256), session.max_message_bytes, "N",
              "size of a message that a peer sends over the data channel"),
        _Flag("max-messages-per-second", one, session.max_messages_per_s, "N",
              "of those that are read; ten times as many end the session"),
        _Flag("max-packets-per-second", integer(100), session.max_packets_per_s, "N",
              "of media; a peer that sends more is sent away"),
        _Flag("max-unsent-bytes", one, session.max_buffered_bytes, "N",
              "results that a peer has not taken; with more, new ones are dropped"),
        _Flag("drain", free, server.drain_s, "S",
              "seconds that sessions may go on after SIGTERM; nobody more is let in meanwhile"),
    )  # fmt: skip
    for flag in flags:
        text = f"{flag.help} [default {flag.default:g}]"
        add(
            f"--{flag.name}",
            type=flag.type,
            default=flag.default,
            metavar=flag.metavar,
            help=text,
        )


def add_door_flags(add: _Add) -> None:
    """Add the flags of who may come in."""
    add(
        "--token",
        default=from_environment("EMOTION_TOKEN", None),
        help="whoever offers must know it; better set in the environment, since flags show in "
        "lists of processes; the page takes it from its address [EMOTION_TOKEN; default none]",
    )
    add(
        "--allow-origin",
        action="append",
        metavar="ORIGIN",
        help="a site whose pages may use this server, such as https://example.org; repeat it for "
        "more, or put commas between in the environment [ALLOW_ORIGINS; default none but its own]",
    )


def session_limits_from(given: argparse.Namespace, session: SessionConfig) -> SessionConfig:
    """Return ``session`` with the limits that the flags say."""
    return replace(
        session,
        connect_timeout_s=given.connect_timeout,
        media_timeout_s=given.media_timeout,
        max_duration_s=given.max_duration,
        max_message_bytes=given.max_message_bytes,
        max_messages_per_s=given.max_messages_per_second,
        max_packets_per_s=given.max_packets_per_second,
        max_buffered_bytes=given.max_unsent_bytes,
    )


def server_limits_from(given: argparse.Namespace, server: ServerConfig) -> ServerConfig:
    """Return ``server`` with the limits that the flags say.

    Raises:
        ValueError: the token is too easy, or an origin is none.
    """
    from rtc.limits import AddressLimits

    return replace(
        server,
        max_offer_bytes=given.max_offer_bytes,
        drain_s=given.drain,
        address_limits=AddressLimits(given.max_sessions_per_address, given.max_offers_per_minute),
        doors=_doors_from(given),
    )


def _doors_from(given: argparse.Namespace) -> Doors:
    from rtc.doors import Doors

    # Not argparse's default: repeated flags would be added to it.
    named = [each.strip() for each in os.environ.get("ALLOW_ORIGINS", "").split(",")]
    origins = given.allow_origin or [each for each in named if each]
    return Doors(given.token, tuple(origins))
