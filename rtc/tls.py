"""Certificates for https: one's own, from files, or one made for this start."""

from __future__ import annotations

import socket
import ssl
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

_VALID_DAYS = 30
_CLOCK_ERROR = timedelta(hours=1)  # of the devices that visit

_Read = TypeVar("_Read")


class TlsError(ValueError):
    """There is no https with these settings or files; the message says why in one line."""


@dataclass(frozen=True)
class TlsConfig:
    """Of the door: plain http where nothing is set.

    Attributes:
        cert_file: PEM with the certificate, and those between it and its root if there are any.
        key_file: PEM with its private key, without a passphrase.
        self_signed: make a certificate for this start instead.
    """

    cert_file: Path | None = None
    key_file: Path | None = None
    self_signed: bool = False

    def __post_init__(self) -> None:
        if self.self_signed and (self.cert_file or self.key_file):
            raise TlsError("--self-signed makes its own certificate; leave out the files or it")
        if (self.cert_file is None) != (self.key_file is None):
            raise TlsError("--cert-file and --key-file belong together; name both")


@dataclass(frozen=True)
class Identity:
    """What a server shows, to prove who it is. It can be handed to other processes.

    Attributes:
        fingerprint: SHA-256 of the certificate, 32 hexadecimal bytes with colons between, as
            browsers show it.
        source: files of the certificate and its key, or both in one PEM that was made here.
    """

    fingerprint: str
    source: tuple[Path, Path] | bytes = field(repr=False)

    def context(self) -> ssl.SSLContext:
        """Return what TLS needs.

        Raises:
            TlsError: the files have gone, or OpenSSL does not take them, or there is no place for
                the file that a certificate made here has to pass through.
        """
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        if isinstance(self.source, bytes):
            try:
                # Only this user can read it, for the moment in which OpenSSL, which takes nothing
                # but files, does.
                with tempfile.NamedTemporaryFile() as both:
                    both.write(self.source)
                    both.flush()
                    context.load_cert_chain(both.name)
            except OSError as error:
                raise TlsError(
                    f"--self-signed needs a folder for temporary files: {error}"
                ) from error
            return context
        cert_file, key_file = self.source
        try:
            context.load_cert_chain(cert_file, key_file)
        except ssl.SSLError as error:
            reason = error.reason
            raise TlsError(f"OpenSSL does not take {cert_file} and its key: {reason}") from error
        except OSError as error:
            raise TlsError(f"{cert_file} or its key cannot be read: {error.strerror}") from error
        return context


def load_identity(cert_file: Path, key_file: Path) -> Identity:
    """Read a certificate and its private key, both PEM.

    Raises:
        TlsError: a file is missing, unreadable, or something else; or one does not fit the other.
    """
    certificates = _read(cert_file, x509.load_pem_x509_certificates, "certificate")
    key = _read(key_file, lambda pem: load_pem_private_key(pem, password=None), "private key")
    if certificates[0].public_key() != key.public_key():
        raise TlsError(f"{key_file} is not the key of the certificate in {cert_file}")
    if certificates[0].not_valid_after_utc < datetime.now(UTC):
        ended = f"{certificates[0].not_valid_after_utc:%Y-%m-%d}"
        raise TlsError(f"{cert_file} was valid until {ended}; get a new certificate")
    return Identity(_fingerprint(certificates[0]), (cert_file, key_file))


def make_identity(addresses: Sequence[IPv4Address | IPv6Address]) -> Identity:
    """Make a self-signed certificate for localhost, this host's name, and these addresses.

    Its private key is kept in memory alone.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _self_signed(key, addresses)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Identity(_fingerprint(certificate), pem + certificate.public_bytes(Encoding.PEM))


def _self_signed(
    key: ec.EllipticCurvePrivateKey, addresses: Sequence[IPv4Address | IPv6Address]
) -> x509.Certificate:
    # A certificate's names are ASCII; a host with another name is reached by its addresses.
    names = dict.fromkeys(name for name in ("localhost", socket.gethostname()) if name.isascii())
    hosts = dict.fromkeys([ip_address("127.0.0.1"), ip_address("::1"), *addresses])
    subject = x509.Name.from_rfc4514_string("CN=emotion-server")
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_ERROR)
        .not_valid_after(now + timedelta(days=_VALID_DAYS))
        .add_extension(
            x509.SubjectAlternativeName(
                [*(x509.DNSName(name) for name in names), *(x509.IPAddress(ip) for ip in hosts)]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _read(path: Path, load: Callable[[bytes], _Read], what: str) -> _Read:
    try:
        return load(path.read_bytes())
    except OSError as error:
        raise TlsError(f"{path} cannot be read: {error.strerror}") from error
    except TypeError as error:  # cryptography's way of asking for the passphrase
        raise TlsError(
            f"{path} is locked with a passphrase; unlock it with: "
            f"openssl pkey -in {path} -out UNLOCKED_FILE"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TlsError(f"{path} holds no {what} in PEM form that can be used") from error
