"""What the parts of a cluster tell one another; all of it is pickled on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

SESSION_HEADER = "Session-Id"
"""Of a replica's own answer to an offer: which session it began."""


@dataclass(frozen=True)
class Asked:
    """An offer over HTTP, as it came to the ingress.

    Attributes:
        method: of HTTP.
        path: with the query.
        headers: name and value, as often as they came.
        body: whole.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True)
class Answered:
    """The answer to it.

    Attributes:
        status: of HTTP.
        headers: name and value.
        body: whole.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True)
class Seen:
    """A replica, as it has told of itself.

    Attributes:
        place: its name in the control names of its sessions.
        url: where its server listens, without the slash at the end.
        sessions: people that it serves.
        most_sessions: that it can serve.
        secret: that whoever asks there must bring.
        is_leaving: whether nobody more comes to it, and it goes when all have left.
    """

    place: str
    url: str
    sessions: int
    most_sessions: int
    secret: str = field(repr=False)
    is_leaving: bool = False

    @property
    def is_full(self) -> bool:
        """Whether nobody more can be served there."""
        return self.is_leaving or self.sessions >= self.most_sessions

    @property
    def pass_(self) -> dict[str, str]:
        """The headers with which the replica lets an ingress in."""
        return {"Authorization": f"Bearer {self.secret}"}


@dataclass(frozen=True)
class Told:
    """What the roster tells.

    Attributes:
        everyone: replicas that it has heard of.
        is_whole: whether it has been there for long enough to have heard of all.
    """

    everyone: tuple[Seen, ...]
    is_whole: bool


@dataclass(frozen=True)
class Duties:
    """What the process of one replica is to do.

    Attributes:
        flags: of ``server.py``.
        place: see ``Seen``.
        host: address of this machine to listen on.
        cores: of this machine that replicas may have.
        slot: its place among the replicas of this machine; see ``rtc.cluster.slots``.
        most_sessions: people that it serves at once.
        secret: see ``Seen``.
    """

    flags: tuple[str, ...]
    place: str
    host: str
    cores: tuple[int, ...]
    slot: int
    most_sessions: int
    secret: str = field(repr=False)
