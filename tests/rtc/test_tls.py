"""Certificates: made for this start, or read from files; and every file that will not do."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import socket
import ssl
import stat
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from rtc.serve import own_addresses
from rtc.tls import Identity, TlsConfig, TlsError, load_identity, make_identity
from tests.rtc.certificates import write_pems


@pytest.fixture
def pems(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for localhost and its private key, each in a file."""
    return write_pems(tmp_path, "mine")


async def _shown(identity: Identity, check: ssl.SSLContext | aiohttp.Fingerprint) -> bytes:
    """Ask a server with this identity over https; return the certificate that it showed, as DER."""

    async def certificate(request: web.Request) -> web.Response:
        assert request.scheme == "https"
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", certificate)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=identity.context())
        await site.start()
        port = runner.addresses[0][1]
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"https://localhost:{port}/", ssl=check) as response,
        ):
            assert await response.text() == "hello"
        return await asyncio.to_thread(_certificate_at, port)
    finally:
        await runner.cleanup()


def _certificate_at(port: int) -> bytes:
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port)))


def _fingerprint(identity: Identity) -> aiohttp.Fingerprint:
    return aiohttp.Fingerprint(bytes.fromhex(identity.fingerprint.replace(":", "")))


async def test_a_certificate_is_made_that_the_fingerprint_identifies() -> None:
    """Https works with the made certificate, and the fingerprint is that of what is shown."""
    identity = make_identity([])
    der = await _shown(identity, _fingerprint(identity))
    assert hashlib.sha256(der).hexdigest().upper() == identity.fingerprint.replace(":", "")
    assert len(identity.fingerprint.split(":")) == 32


async def test_another_certificate_does_not_pass_for_it() -> None:
    """A client that holds the fingerprint of an earlier start turns away."""
    with pytest.raises(aiohttp.ServerFingerprintMismatch):
        await _shown(make_identity([]), _fingerprint(make_identity([])))


async def test_a_made_certificate_names_this_machine_for_a_month() -> None:
    """It holds a P-256 key, every name and address of this machine, and is valid for 30 days."""
    identity = make_identity(own_addresses())
    certificate = x509.load_der_x509_certificate(await _shown(identity, _fingerprint(identity)))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"localhost", socket.gethostname()}
    addresses = {"127.0.0.1", "::1", *map(str, own_addresses())}
    assert set(map(str, names.get_values_for_type(x509.IPAddress))) == addresses
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)
    assert certificate.not_valid_before_utc < datetime.now(UTC)


async def test_who_trusts_a_made_certificate_can_check_it_whole() -> None:
    """Put among the trusted, it passes every check of OpenSSL, the host's name included."""
    identity = make_identity([ipaddress.ip_address("192.0.2.7")])
    der = await _shown(identity, _fingerprint(identity))
    trusting = ssl.create_default_context(cadata=der)
    assert await _shown(identity, trusting) == der


def test_the_private_key_is_left_in_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that OpenSSL reads is for this user's eyes alone and is gone afterwards."""
    seen: list[tuple[Path, int]] = []

    class Watched(ssl.SSLContext):
        def load_cert_chain(self, certfile: str) -> None:
            file = Path(certfile)
            seen.append((file.parent, stat.S_IMODE(file.stat().st_mode)))
            super().load_cert_chain(file)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(
        ssl, "create_default_context", lambda _purpose: Watched(ssl.PROTOCOL_TLS_SERVER)
    )
    make_identity([]).context()
    assert seen == [(tmp_path, 0o600)]
    assert list(tmp_path.iterdir()) == []


def test_no_place_for_that_file_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without a folder for temporary files the error says what is needed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(TlsError, match="--self-signed needs a folder for temporary files"):
        make_identity([]).context()


async def test_a_certificate_of_ones_own_is_served(pems: tuple[Path, Path]) -> None:
    """Https works with certificate and key from files, and the fingerprint is the file's."""
    cert_file, key_file = pems
    identity = load_identity(cert_file, key_file)
    der = ssl.PEM_cert_to_DER_cert(cert_file.read_text())
    assert hashlib.sha256(der).digest().hex(":").upper() == identity.fingerprint
    assert await _shown(identity, ssl.create_default_context(cafile=cert_file)) == der


def test_certificate_and_key_may_share_a_file(pems: tuple[Path, Path], tmp_path: Path) -> None:
    """A file with both in it serves as either."""
    both = tmp_path / "both.pem"
    both.write_bytes(pems[1].read_bytes() + pems[0].read_bytes())
    assert load_identity(both, both).fingerprint == load_identity(*pems).fingerprint


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_file_is_named(pems: tuple[Path, Path], missing: int) -> None:
    """A file that is not there is named."""
    pems[missing].unlink()
    with pytest.raises(TlsError, match=rf"{pems[missing]} cannot be read: No such file"):
        load_identity(*pems)


def test_an_unreadable_file_is_named(pems: tuple[Path, Path]) -> None:
    """What cannot be read is named, with the system's reason."""
    pems[1].unlink()
    pems[1].mkdir()
    with pytest.raises(TlsError, match=rf"{pems[1]} cannot be read: Is a directory"):
        load_identity(*pems)


def test_a_key_of_another_certificate_is_refused(pems: tuple[Path, Path], tmp_path: Path) -> None:
    """Both files are named when the key belongs elsewhere."""
    _, other_key = write_pems(tmp_path, "other")
    with pytest.raises(TlsError, match=rf"{other_key} is not the key of .* in {pems[0]}"):
        load_identity(pems[0], other_key)


@pytest.mark.parametrize(("damaged", "what"), [(0, "certificate"), (1, "private key")])
def test_a_file_of_something_else_is_named(
    pems: tuple[Path, Path], damaged: int, what: str
) -> None:
    """A file without the thing that it should hold is named, and so is the thing."""
    pems[damaged].write_text("nothing of the kind\n")
    with pytest.raises(TlsError, match=rf"{pems[damaged]} holds no {what} in PEM form"):
        load_identity(*pems)


def test_files_in_each_others_place_are_told_apart(pems: tuple[Path, Path]) -> None:
    """Certificate and key exchanged: the first that is wrong is named."""
    with pytest.raises(TlsError, match="holds no certificate in PEM form"):
        load_identity(pems[1], pems[0])


def test_a_locked_key_is_refused_and_not_asked_about(tmp_path: Path) -> None:
    """A passphrase would stop a server's start at a prompt; the error says how to unlock it."""
    locked = write_pems(tmp_path, "locked", b"open sesame")
    with pytest.raises(TlsError, match=r"locked with a passphrase; .*openssl pkey -in"):
        load_identity(*locked)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ((Path("c"), None, False), "name both"),
        ((None, Path("k"), False), "name both"),
        ((Path("c"), Path("k"), True), "--self-signed makes its own certificate"),
        ((None, Path("k"), True), "--self-signed makes its own certificate"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(
    config: tuple[Path | None, Path | None, bool], sentence: str
) -> None:
    """Half a pair, and files beside a made certificate, are refused."""
    with pytest.raises(TlsError, match=sentence):
        TlsConfig(*config)


def test_expired_certificate(tmp_path: Path):
    """A certificate whose time is over, which browsers refuse, is refused at the start."""
    with pytest.raises(TlsError, match=r"was valid until \d{4}-\d\d-\d\d; get a new"):
        load_identity(*write_pems(tmp_path, "old", valid_days=-1))


def test_host_with_a_name_that_no_certificate_can_hold(monkeypatch: pytest.MonkeyPatch):
    """A machine whose name is not ASCII gets a certificate for localhost and its addresses."""
    monkeypatch.setattr("socket.gethostname", lambda: "caf\u00e9")
    assert make_identity([]).fingerprint
