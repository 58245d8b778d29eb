"""Downloads over loopback HTTP: whole and checked, or nothing at all."""

from __future__ import annotations

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from models.download import DownloadError, _TimedConnection, download, partial_beside
from models.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Serve = Callable[..., str]

Answer = tuple[int, dict[str, str], bytes]
BODY = bytes(range(256)) * 1000


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give a function that serves one answer on loopback and returns its address."""
    servers: list[ThreadingHTTPServer] = []

    def start(body: bytes, status: int = 200, **headers: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/file.bin"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def accept(_path: Path) -> None:
    pass


def refused(url: str, folder: Path, **limits: Any) -> str:
    """Return the message with which ``url`` is refused, having checked that no file is left."""
    target = folder / "file.bin"
    with pytest.raises(DownloadError) as caught:
        download(url, target, description="the file", validate=accept, **limits)
    assert not list(folder.iterdir())
    assert str(target) in str(caught.value)
    assert url in str(caught.value)
    assert "or use --face-model embedded" in str(caught.value)
    return str(caught.value)


def test_whole_file_with_progress(serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A whole file arrives under its name, and a progress bar shows how far it is."""
    target = tmp_path / "new" / "file.bin"
    url = serve(BODY, Content_Length=str(len(BODY)))
    download(url, target, description="the file", validate=accept)
    assert target.read_bytes() == BODY
    assert [path.name for path in target.parent.iterdir()] == ["file.bin"]
    assert "the file: 100%" in capsys.readouterr().err


def test_length_unknown(serve: Serve, tmp_path: Path):
    """A server that does not state the length is still served from."""
    target = tmp_path / "file.bin"
    download(serve(BODY), target, description="the file", validate=accept)
    assert target.read_bytes() == BODY


def test_validated_before_it_appears(serve: Serve, tmp_path: Path):
    """The file is checked under another name, and what fails the check never appears."""
    target = tmp_path / "file.bin"
    seen: list[bytes] = []

    def reject(path: Path) -> None:
        assert not target.exists()
        seen.append(path.read_bytes())
        raise WeightsError("it is for another network")

    with pytest.raises(DownloadError, match="it is for another network"):
        download(serve(BODY), target, description="the file", validate=reject)
    assert seen == [BODY]
    assert not list(tmp_path.iterdir())


def test_old_file_survives_failure(serve: Serve, tmp_path: Path):
    """A failed download leaves the file that was there before as it was."""
    target = tmp_path / "file.bin"
    target.write_bytes(b"old")
    with pytest.raises(DownloadError):
        download(serve(b"", 500), target, description="the file", validate=accept)
    assert target.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((200, {"Content_Type": "text/html; charset=utf-8"}, BODY), "web page"),
        ((200, {"Content_Type": "application/octet-stream"}, b"\n <!DOCTYPE html>"), "web page"),
        ((200, {"Content_Length": str(len(BODY) + 1)}, BODY), "ended after 256000 of 256001"),
        ((200, {}, b""), "ended after 0"),
        ((200, {"Content_Length": "many"}, BODY), "many"),
        ((404, {}, b"not here"), "answered 404"),
        ((302, {"Location": "file:///etc/hostname"}, b""), "answered 302"),
        ((302, {"Location": "ftp://127.0.0.1/file"}, b""), "unknown url type"),
    ],
)
def test_wrong_answer(serve: Serve, tmp_path: Path, answer: Answer, why: str):
    """A web page, a short, empty or malformed answer, an error, a way elsewhere: all refused."""
    status, headers, body = answer
    assert why in refused(serve(body, status, **headers), tmp_path)


def test_larger_than_limit(serve: Serve, tmp_path: Path):
    """No more than the limit is taken, whether or not the server states the length."""
    assert "limit of 1000" in refused(
        serve(BODY, Content_Length=str(len(BODY))), tmp_path, max_bytes=1000
    )
    assert "limit of 1000" in refused(serve(BODY), tmp_path, max_bytes=1000)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://localhost/x", "data:,x", "/etc/x"])
def test_other_schemes(tmp_path: Path, url: str):
    """Only http and https addresses are fetched."""
    assert "only http and https" in refused(url, tmp_path)


def test_connection_refused(tmp_path: Path):
    """A port where nobody listens fails at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "refused" in refused(f"http://127.0.0.1:{port}/x", tmp_path)


def test_https_never_becomes_plain(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An https address neither falls back to plain http nor follows a redirection to it."""
    redirection = serve(b"", 302, Location=serve(BODY)).replace("http:", "https:")
    assert "SSL" in refused(redirection, tmp_path)
    monkeypatch.setattr("models.download._TimedTlsConnection", _TimedConnection)
    assert "unknown url type" in refused(redirection, tmp_path)


def test_silent_server(tmp_path: Path):
    """A server that accepts and stays silent is given up after the read time-out."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        started = time.monotonic()
        assert "timed out" in refused(url, tmp_path, read_timeout_s=0.3)
        assert time.monotonic() - started < 2


def test_hanging_name_resolution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A name server that does not answer counts against the connect time-out."""
    release = threading.Event()

    def hang(*_args: object, **_kwargs: object) -> None:
        release.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "no name server")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.monotonic()
    message = refused("http://weights.example/x", tmp_path, connect_timeout_s=0.3)
    assert "no connection within 0.3 s" in message
    assert time.monotonic() - started < 2
    release.set()


def test_partial_file_goes(tmp_path: Path):
    """A temporary file that was not moved into place is gone, whatever happened."""

    def interrupted() -> None:
        with partial_beside(tmp_path / "x") as partial:
            partial.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not list(tmp_path.iterdir())
