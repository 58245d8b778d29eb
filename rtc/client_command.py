"""``python -m rtc.client URL CLIP``: what a recording or a camera expresses, line by line."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urldefrag, urlsplit

import aiohttp

from models.command_line import CommandParser, from_environment
from rtc.client import Camera, EmotionClient, RefusedError, SourceError
from rtc.messages import EmotionMessage, ModalityMessage
from rtc.offering import Door
from rtc.strays import tolerate_strays

# Nothing here computes, so that numpy's threads need no limit.

_DESCRIPTION = """\
Send a recording, in real time, or this machine's camera and microphone to a server, and print what
they express as it is told, twice a second."""

_EPILOG = """\
Results go to standard output; notices of the server, and what is wrong, to standard error. A camera
is sent until Ctrl-C. Exit code: 0 when the recording has been played to its end, or nobody reads
on; 1 when the server cannot be reached, refuses, or goes away; 2 when there is nothing to send, or
a flag is wrong; 130 after Ctrl-C."""

_UNCERTAIN_BELOW = 0.35  # as web/emotions.js has it


def main(argv: Sequence[str] | None = None) -> int:
    """Send, and print what comes; return the exit code that ``--help`` explains."""
    given = _read_flags(argv)
    try:
        return asyncio.run(_show(given))
    except SourceError as error:
        return _failed(str(error), 2)
    except RefusedError as error:
        return _failed(_refusal(error))
    except aiohttp.ClientError as error:
        return _failed(_absence(given.url, error))
    except BrokenPipeError:
        # Whoever read has enough. What is left in the buffer must not fail once more at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130  # as a shell says it


async def _show(given: argparse.Namespace) -> int:
    tolerate_strays(asyncio.get_running_loop())
    lines = Lines()
    async with EmotionClient(
        given.url, token=given.token, fingerprint=given.fingerprint, on_text=_print_notice
    ) as client:
        await client.publish(_source(given))
        if given.watch:
            print(f"watch at {client.watch_url}", file=sys.stderr)
        async for result in client.results():
            print(result.to_json() if given.json else lines.next(result), flush=True)
    return 0 if client.gone is None else _failed(f"the server is gone: {client.gone}")


class Lines:
    """Results for people: where in the recording, and the likeliest of voice, face and both."""

    def __init__(self) -> None:
        self._began_ms: int | None = None  # on the server's clock

    def next(self, result: EmotionMessage) -> str:
        """Return the line of the next result."""
        places = [p for p in (result.picture_time_ms, result.sound_time_ms) if p is not None]
        if places:
            self._began_ms = result.time_ms - max(places)
        elif self._began_ms is None:
            self._began_ms = result.time_ms
        return (
            f"{(result.time_ms - self._began_ms) / 1000:7.1f} s   voice {_named(result.voice)}   "
            f"face {_named(result.face)}   both {_named(result.fused)}"
        ).rstrip()


def _named(side: ModalityMessage | None) -> str:
    if side is None:
        return f"{'-':14}"
    share = side.probabilities[side.label]
    return f"{side.label if share >= _UNCERTAIN_BELOW else 'uncertain':9} {share:4.0%}"


def _print_notice(text: str) -> None:
    fields = json.loads(text)
    if fields["type"] == "notice":
        print(f"notice: {fields['text']}", file=sys.stderr)


def _read_flags(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = CommandParser(prog="rtc.client", description=_DESCRIPTION, epilog=_EPILOG)
    add = parser.add_argument
    add("url", type=_address, metavar="URL", help="the server's, such as http://127.0.0.1:8080")
    add("clip", nargs="?", type=Path, metavar="CLIP", help="a recording with sound or pictures")
    add("--camera", action="store_true", help="send this machine's camera and microphone instead")
    for kind, name in ("picture", "camera"), ("sound", "microphone"):
        text = f'with --camera: which {name}, or "none" [default the first that works]'
        add(f"--{kind}-device", default="default", metavar="NAME", help=text)
    add("--json", action="store_true", help="print each result as one line of JSON")
    add(
        "--watch",
        action="store_true",
        help="first print, to standard error, the link by which others can watch",
    )
    add(
        "--token",
        default=from_environment("EMOTION_TOKEN", None),
        help="where the server asks for one; better set in the environment, since flags show in "
        "lists of processes [EMOTION_TOKEN; default that of the URL's #token=, if there is one]",
    )
    add(
        "--fingerprint",
        metavar="SHA256",
        type=_fingerprint,
        help="of the server's certificate, as a server with --self-signed prints it",
    )
    given = parser.parse_args(argv)
    if (given.clip is None) is not given.camera:
        parser.error("name a recording or say --camera, one of both")
    given.url, fragment = urldefrag(given.url)
    given.token = given.token or parse_qs(fragment).get("token", [None])[0]
    return given


def _address(text: str) -> str:
    address = urlsplit(text)
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise argparse.ArgumentTypeError(
            f"must be an address such as http://127.0.0.1:8080, not {text!r}"
        )
    return text


def _fingerprint(text: str) -> str:
    try:
        Door("", fingerprint=text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _source(given: argparse.Namespace) -> Path | Camera:
    pictures, sound = (
        None if name == "none" else name for name in (given.picture_device, given.sound_device)
    )
    return given.clip or Camera(pictures, sound)


def _refusal(error: RefusedError) -> str:
    return f"{error} Here: --token or EMOTION_TOKEN." if error.status == 401 else str(error)


def _absence(url: str, error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        remedy = "if it signed it itself, give the fingerprint that it prints as --fingerprint"
        return f"{url} has a certificate for which nobody vouches; {remedy}"
    if isinstance(error, aiohttp.ServerFingerprintMismatch):
        return f"{url} has another certificate: its fingerprint is {error.got.hex(':').upper()}"
    other = "https" if urlsplit(url).scheme == "http" else "http"
    speaks_otherwise = isinstance(
        error, aiohttp.ClientConnectorSSLError | aiohttp.ServerDisconnectedError
    )
    remedy = f"does it serve {other}, perhaps?" if speaks_otherwise else "is the server running?"
    return f"{url} cannot be reached: {error or type(error).__name__}; {remedy}"


def _failed(sentence: str, code: int = 1) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return code
