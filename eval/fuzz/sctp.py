"""What a peer that was let in sends inside DTLS: SCTP packets with sound sums and odd chunks."""

from __future__ import annotations

import struct
from collections.abc import Callable
from random import Random

from google_crc32c import value as crc32c

from eval.fuzz.mutation import mutated, telling

_KINDS = (*range(16), 128, 130, 192, 193, 255)
_PORT = 5000  # aiortc's
_MOST_BYTES = 1180  # DTLS adds to it

Maker = Callable[[Random, int], bytes]


def packet(tag: int, chunks: bytes) -> bytes:
    """Return a packet (RFC 9260, section 3) with its checksum."""
    head = struct.pack("!HHL", _PORT, _PORT, tag)
    return head + struct.pack("<L", crc32c(head + bytes(4) + chunks)) + chunks


def chunk(kind: int, body: bytes, flags: int = 0) -> bytes:
    """Return a chunk, padded."""
    return struct.pack("!BBH", kind, flags, 4 + len(body)) + body + bytes(-len(body) % 4)


def _random(rng: Random, _: int) -> bytes:
    return chunk(rng.choice(_KINDS), rng.randbytes(rng.randrange(200)), rng.randrange(256))


def _wrong_length(rng: Random, _: int) -> bytes:
    head = struct.pack("!BBH", rng.choice(_KINDS), rng.randrange(8), telling(rng, 16))
    return head + rng.randbytes(rng.randrange(100))


def _parameters(rng: Random, _: int) -> bytes:
    body = b"".join(
        struct.pack("!HH", rng.choice((13, 16, 17, rng.getrandbits(16))), telling(rng, 16))
        + rng.randbytes(rng.randrange(24))
        for _ in range(rng.randint(1, 5))
    )
    return chunk(rng.choice((4, 5, 6, 9, 130)), body)


def _sack(rng: Random, number: int) -> bytes:
    gaps = rng.randrange(280)
    said = rng.choice((gaps, telling(rng, 16))), rng.choice((0, telling(rng, 16)))
    edges = b"".join(struct.pack("!HH", telling(rng, 16), 65_535) for _ in range(gaps))
    newest = rng.choice((number, number, telling(rng, 32)))
    return chunk(3, struct.pack("!LLHH", newest, 1 << 17, *said) + edges)


def _data(rng: Random, number: int) -> bytes:
    """Fragments that follow on nothing, for streams that are not there."""
    at = (number + rng.choice((0, 1, 2, 300, 70_000, rng.getrandbits(32)))) % (1 << 32)
    head = struct.pack("!LHHL", at, telling(rng, 16), telling(rng, 16), rng.choice((50, 51, 53, 0)))
    return chunk(0, head + rng.randbytes(rng.choice((0, 1, 12, 1000))), rng.randrange(8))


def _channel_open(rng: Random, number: int) -> bytes:
    """Channels (RFC 8832, section 5.1) with odd names, some for a stream that is taken."""
    label = rng.choice((b"emotions", b"\xff\xfe", b"x" * 500))
    lengths = rng.choice((len(label), telling(rng, 16))), telling(rng, 16)
    body = struct.pack(
        "!BBHLHH", rng.choice((2, 3)), telling(rng, 8), 0, telling(rng, 32), *lengths
    )
    stream = rng.choice((0, 1, 2, telling(rng, 16)))
    return chunk(0, struct.pack("!LHHL", (number + 1) % (1 << 32), stream, 0, 50) + body + label, 3)


def _skip(rng: Random, number: int) -> bytes:
    streams = b"".join(struct.pack("!HH", telling(rng, 16), 0) for _ in range(rng.randrange(250)))
    at = rng.choice((number, number + 1, number + 500)) % (1 << 32)
    return chunk(192, struct.pack("!L", at) + streams + rng.randbytes(rng.choice((0, 0, 3))))


def _init(rng: Random, _: int) -> bytes:
    fields = telling(rng, 32), telling(rng, 32), telling(rng, 16), telling(rng, 16)
    head = struct.pack("!LLHHL", *fields, rng.getrandbits(32))
    return chunk(rng.choice((1, 2)), head + rng.choice((b"", bytes(4), rng.randbytes(40))))


def _cookie(rng: Random, _: int) -> bytes:
    return chunk(rng.choice((10, 11)), rng.randbytes(rng.choice((0, 24, 24, 400))))


CHUNKS: dict[str, Maker] = {
    "SCTP, random chunks": _random,
    "SCTP, wrong lengths": _wrong_length,
    "SCTP, parameters": _parameters,
    "SCTP, acknowledgements": _sack,
    "SCTP, data": _data,
    "SCTP, channels": _channel_open,
    "SCTP, skips": _skip,
    "SCTP, beginnings": _init,
    "SCTP, cookies": _cookie,
}


def malformed_packet(rng: Random, kind: str, tag: int, number: int, received: int) -> bytes:
    """Return a packet of chunks of a kind.

    Args:
        rng: decides.
        kind: of ``CHUNKS``.
        tag: the association's verification tag.
        number: that the attacker's next data would have.
        received: the newest number of the server's data.
    """
    make = CHUNKS[kind]
    about = received if kind == "SCTP, acknowledgements" else number
    chunks = b"".join(make(rng, about) for _ in range(rng.choice((1, 1, 1, 2, 5))))[:_MOST_BYTES]
    # What begins an association bears no tag.
    sent_tag = rng.choice((0, tag)) if kind == "SCTP, beginnings" else tag
    made = packet(sent_tag, chunks)
    return mutated(rng, made)[: _MOST_BYTES + 12] if rng.random() < 0.05 else made
