"""What strangers send to a media port: by kind, from random bytes to nearly sound checks."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from aioice import stun

from eval.fuzz.mutation import mutated, telling

LARGEST = 65_507  # bytes of UDP over IPv4
_RANGES = ((0, 3), (4, 15), (16, 19), (20, 63), (64, 79), (80, 127), (128, 191), (192, 255))
_DTLS_KINDS = (20, 21, 22, 23, 24, 25, 26, 47)
_DTLS_VERSIONS = (0xFEFF, 0xFEFD, 0xFEFC, 0x0303)

_CIPHERS = (0xC02B, 0xC02F, 0xCCA9, 0xC00A, 0xC014, 0x009C)
_EXTENSIONS = (  # of TLS, by number (RFC 8446, section 4.2): those that WebRTC needs
    (10, bytes.fromhex("0006001d00170018")),  # curves
    (11, b"\x01\x00"),
    (13, bytes.fromhex("00080403080404010503")),  # signatures
    (14, bytes.fromhex("000400010007" + "00")),  # use_srtp (RFC 5764, section 4.1.1)
    (23, b""),
)


@dataclass(frozen=True)
class Target:
    """A media port of the server, and what its answer says of it.

    Attributes:
        host, port: of its first candidate.
        username: ufrag of the server and of the peer that offered, as checks have them.
        password: the server's ice-pwd, or a wrong one where it is not the attacker's to know.
    """

    host: str
    port: int
    username: str
    password: str


Maker = Callable[[Random, Target], bytes]


def rtp_packet(rng: Random, payload: bytes) -> bytes:
    """Return an RTP packet, plain."""
    numbers = rng.getrandbits(16), rng.getrandbits(32), rng.getrandbits(32)
    kind = rng.choice((96, 97, 98, 111, 0, 63, rng.randrange(128)))
    return struct.pack("!BBHLL", 0x80, kind | rng.choice((0, 128)), *numbers) + payload


def client_hello(rng: Random) -> bytes:
    """Return the first message of a handshake (RFC 6347, section 4.2.1)."""
    ciphers = struct.pack(f"!{len(_CIPHERS)}H", *_CIPHERS)
    extensions = b"".join(struct.pack("!HH", *(kind, len(b))) + b for kind, b in _EXTENSIONS)
    body = b"\xfe\xfd" + rng.randbytes(32) + bytes(2)  # version, random, no session, no cookie
    body += struct.pack("!H", len(ciphers)) + ciphers + b"\x01\x00"
    body += struct.pack("!H", len(extensions)) + extensions
    length = len(body).to_bytes(3, "big")
    return dtls_record(22, 0, 0, b"\x01" + length + bytes(5) + length + body)


def dtls_record(kind: int, epoch: int, number: int, body: bytes) -> bytes:
    """Return a record of DTLS 1.2 (RFC 6347, section 4.1)."""
    return struct.pack("!BHHHLH", kind, 0xFEFD, epoch, 0, number, len(body) & 0xFFFF) + body


def binding_request(rng: Random, username: str, password: str) -> bytes:
    """Return a connectivity check (RFC 8445, section 7.2.2)."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, rng.randbytes(12))
    message.attributes["USERNAME"] = username
    message.attributes["PRIORITY"] = rng.getrandbits(31)
    message.attributes["ICE-CONTROLLING"] = rng.getrandbits(64)
    if rng.random() < 0.5:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(password.encode())
    return bytes(message)


def _random(rng: Random, _: Target) -> bytes:
    return rng.randbytes(rng.choice((1, 2, 4, 12, 20, 100, 1200, rng.randrange(1500))))


def _empty(_: Random, __: Target) -> bytes:
    return b""


def _largest(rng: Random, _: Target) -> bytes:
    return _first_byte(rng) + rng.randbytes(rng.choice((1499, 1500, 9000, LARGEST - 1)))


def _of_a_range(rng: Random, _: Target) -> bytes:
    return _first_byte(rng) + rng.randbytes(rng.randrange(1200))


def _first_byte(rng: Random) -> bytes:
    """RFC 7983, section 7: by its first byte a datagram goes its way."""
    return bytes([rng.randint(*rng.choice(_RANGES))])


def _rtp(rng: Random, _: Target) -> bytes:
    return mutated(rng, rtp_packet(rng, rng.randbytes(rng.randrange(200))))


def _rtcp(rng: Random, _: Target) -> bytes:
    head = struct.pack("!BBHL", 0x80 | rng.randrange(32), rng.randint(192, 223), 7, 1)
    return mutated(rng, head + rng.randbytes(rng.choice((0, 24, 1480, 1600))))


def _stun(rng: Random, target: Target) -> bytes:
    return mutated(rng, binding_request(rng, "nobody:" + target.username, "a" * 22))


def _known_stun(rng: Random, target: Target) -> bytes:
    return mutated(rng, binding_request(rng, target.username, target.password))


def _signed_stun(rng: Random, target: Target) -> bytes:
    """What only a peer can send: signed, but without attributes that a check must have."""
    kind = rng.choice((stun.Class.REQUEST, stun.Class.REQUEST, *stun.Class))
    message = stun.Message(rng.choice((stun.Method.BINDING, *stun.Method)), kind, rng.randbytes(12))
    message.attributes["USERNAME"] = target.username
    for name in ("PRIORITY", "ICE-CONTROLLING", "ICE-CONTROLLED"):
        if rng.random() < 0.4:
            message.attributes[name] = rng.getrandbits(31)
    message.add_message_integrity(target.password.encode())
    return bytes(message)


def _odd_attributes(rng: Random, target: Target) -> bytes:
    """A well-formed message whose attributes have lengths that their kinds do not have."""
    body = b""
    for _ in range(rng.randint(1, 12)):
        kind = rng.choice((*stun.ATTRIBUTES_BY_TYPE, rng.getrandbits(16)))
        value = rng.choice((rng.randbytes(rng.randrange(24)), target.username.encode()))
        body += struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
    method = rng.choice((0x001, 0x011, 0x101, 0x111, 0x003, telling(rng, 14)))
    return struct.pack("!HHL12s", method, len(body), stun.COOKIE, rng.randbytes(12)) + body


def _dtls(rng: Random, _: Target) -> bytes:
    body = rng.randbytes(rng.choice((0, 2, 12, 64, 1400)))
    record = dtls_record(rng.choice(_DTLS_KINDS), rng.randrange(3), rng.randrange(9), body)
    version = rng.choice(_DTLS_VERSIONS).to_bytes(2, "big")
    return rng.choice((record, mutated(rng, record[:1] + version + record[3:])))


def _alert(rng: Random, _: Target) -> bytes:
    return dtls_record(21, rng.randrange(2), 0, bytes([rng.choice((1, 2)), rng.randrange(120)]))


def _hello(rng: Random, _: Target) -> bytes:
    return rng.choice((client_hello(rng), mutated(rng, client_hello(rng))))


DATAGRAMS: dict[str, Maker] = {
    "random bytes": _random,
    "empty": _empty,
    "too long": _largest,
    "any first byte": _of_a_range,
    "RTP, not encrypted": _rtp,
    "RTCP, not encrypted": _rtcp,
    "STUN of nobody": _stun,
    "STUN with the right name": _known_stun,
    "STUN, signed": _signed_stun,
    "STUN with odd attributes": _odd_attributes,
    "DTLS records": _dtls,
    "DTLS alerts": _alert,
    "DTLS hellos": _hello,
}
