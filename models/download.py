"""Fetch a file over HTTP so that only a whole, checked file ever appears under its name."""

from __future__ import annotations

import os
import tempfile
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from tqdm import tqdm

from models.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CHUNK = 1 << 16  # bytes
_MAX_BYTES = 200_000_000
_READ_TIMEOUT_S = 15.0


class DownloadError(WeightsError):
    """A file could not be fetched; the message says what, from where, why and what to do."""


def download(  # noqa: PLR0913  limits have defaults and are given by name
    url: str,
    target: Path,
    *,
    connect_timeout_s: float = 5.0,
    read_timeout_s: float = _READ_TIMEOUT_S,
    max_bytes: int = _MAX_BYTES,
    description: str,
    validate: Callable[[Path], object],
) -> None:
    """Fetch ``url`` into ``target`` with a progress bar. Blocks; never call it on the event loop.

    Args:
        url: http or https; an https address is not followed to a plain one.
        target: appears only when everything went well.
        connect_timeout_s: for name resolution, TCP and TLS together, for each redirection.
        read_timeout_s: the longest silence of the server.
        max_bytes: a longer answer is refused.
        description: names the file in the progress bar and in the error.
        validate: is given the received file under a temporary name; raises what is wrong with it.

    Raises:
        DownloadError: anything went wrong; nothing is left behind.
    """
    try:
        with (
            _open(url, connect_timeout_s, read_timeout_s) as response,
            partial_beside(target) as partial,
        ):
            _receive(response, partial, description, max_bytes)
            _check(partial, validate)
            partial.replace(target)
    except Exception as error:
        # Whatever the network, the disk or ``validate`` raises becomes the same one sentence.
        raise DownloadError(
            f"could not download {description} from {url}: {_reason(error)}; put the file at "
            f"{target} by hand, or use --face-model embedded"
        ) from error


@contextmanager
def partial_beside(target: Path) -> Iterator[Path]:
    """Give a temporary file in the folder of ``target``, to write and then move into place.

    It is gone at the end, unless it was moved.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".partial")
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _open(url: str, connect_timeout_s: float, read_timeout_s: float) -> HTTPResponse:
    scheme = urlsplit(url).scheme
    if scheme not in {"http", "https"}:
        raise ValueError("only http and https addresses are fetched")
    opener = OpenerDirector()  # urllib's own opener would also follow file, ftp and data addresses
    opener.add_handler(_TimedHttpsHandler(read_timeout_s))
    if scheme == "http":
        opener.add_handler(_TimedHttpHandler(read_timeout_s))
    for handler in (
        ProxyHandler,
        HTTPRedirectHandler,
        HTTPDefaultErrorHandler,
        HTTPErrorProcessor,
        UnknownHandler,
    ):
        opener.add_handler(handler())
    request = Request(url, headers={"User-Agent": "emotion-server"})  # noqa: S310  scheme is checked
    response: HTTPResponse = opener.open(request, timeout=connect_timeout_s)
    return response


def _receive(response: HTTPResponse, partial: Path, description: str, max_bytes: int) -> None:
    """Write the body to ``partial``; refuse what cannot be the file."""
    length = response.headers["Content-Length"]
    expected = None if length is None else int(length)
    if response.headers.get_content_type() == "text/html":
        raise ValueError("the answer is a web page, not the file")
    if expected is not None and expected > max_bytes:
        raise ValueError(f"{expected} bytes are more than the limit of {max_bytes}")
    received = 0
    with (
        partial.open("wb") as file,
        tqdm(total=expected, desc=description, unit="B", unit_scale=True) as bar,
    ):
        while chunk := response.read(_CHUNK):
            if received == 0 and chunk.lstrip().startswith(b"<"):
                raise ValueError("the answer is a web page, not the file")
            received += len(chunk)
            if received > max_bytes:
                raise ValueError(f"the answer is longer than the limit of {max_bytes} bytes")
            file.write(chunk)
            bar.update(len(chunk))
    if received < (expected or 1):
        raise ValueError(f"the answer ended after {received} of {expected or 'some'} bytes")


def _check(partial: Path, validate: Callable[[Path], object]) -> None:
    try:
        validate(partial)
    except Exception as error:
        # The temporary name would say nothing to whoever reads the message: the file is gone.
        raise ValueError(str(error).replace(str(partial), "the received file")) from error


class _TimedConnection(HTTPConnection):
    """Keeps one limit while connecting and another one while reading."""

    def __init__(self, *args: Any, read_timeout_s: float = _READ_TIMEOUT_S, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_timeout_s = read_timeout_s

    def connect(self) -> None:
        _within(self.timeout or 0.0, super().connect)
        self.sock.settimeout(self._read_timeout_s)


class _TimedTlsConnection(_TimedConnection, HTTPSConnection):
    """The same over TLS."""


class _TimedHttpHandler(HTTPHandler):
    def __init__(self, read_timeout_s: float) -> None:
        super().__init__()
        self._read_timeout_s = read_timeout_s

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_TimedConnection, req, read_timeout_s=self._read_timeout_s)


class _TimedHttpsHandler(HTTPSHandler):
    def __init__(self, read_timeout_s: float) -> None:
        super().__init__()
        self._read_timeout_s = read_timeout_s

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_TimedTlsConnection, req, read_timeout_s=self._read_timeout_s)


def _within(limit_s: float, connect: Callable[[], None]) -> None:
    """Run ``connect`` for ``limit_s`` at most.

    A socket's own time-out covers neither name resolution, which can hang for half a minute
    without a network, nor the sum over a host's addresses. A thread that is late is left to end.
    """
    done: Future[None] = Future()

    def run() -> None:
        try:
            connect()
        except Exception as error:  # noqa: BLE001  it is raised again in the waiting thread
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=run, name="connect", daemon=True).start()
    try:
        done.result(limit_s)
    except TimeoutError as error:
        raise TimeoutError(f"no connection within {limit_s:g} s") from error


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        error.close()  # it keeps the connection
        return f"the server answered {error.code} {error.reason}"
    reason = error.reason if isinstance(error, URLError) else error
    return str(reason) or type(error).__name__
