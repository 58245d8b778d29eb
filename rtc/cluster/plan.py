"""What a cluster is to be: read from the ``args`` of ``deploy/serve.yaml``, and checked at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.command_line import CommandParser
from rtc.flags import add_server_flags
from rtc.serving_settings import ServingSettings, serving_from

# Where a replica listens, and for how many, is the cluster's to say.
_OF_THE_CLUSTER = (
    "--host", "--port", "--workers", "--max-sessions", "--drain", "--cert-file", "--key-file",
    "--self-signed", "--prelaunch-eval",
)  # fmt: skip

ENVIRONMENT = (
    "ALLOW_ORIGINS", "AUDIO_SMOOTH_K", "AUDIO_VAD_THRESH", "AUDIO_WEIGHTS", "EMOTION_TOKEN",
    "FACE_DEVICE", "FACE_SMOOTH_K", "FACE_WEIGHTS", "FUSE_W_VOICE", "FUSION", "ICE_CREDENTIAL",
    "ICE_RELAY_ONLY", "ICE_SERVERS", "ICE_USERNAME",
)  # fmt: skip
"""Settings that go for the whole cluster as whoever deploys has them. Of addresses and ports each
machine knows its own."""

# Of drain_s: for some seconds a replica cannot tell whether it is to go.
_LEAST = {"sessions_per_replica": 1, "drain_s": 10, "ingresses": 1, "wait_s": 0.1}
_MOST_INGRESSES = 100


class PlanError(ValueError):
    """The plan cannot be carried out; the message says what to write instead."""


@dataclass(frozen=True)
class Plan:
    """Of one cluster.

    Attributes:
        least_replicas: that are always there, each with a core; 0 is as many as ever.
        most_replicas: up to which more are added as people come; 0 is one for each core that the
            cluster has when the plan is carried out.
        sessions_per_replica: people that one core serves.
        busy_share: of those places that are taken when another replica is added.
        idle_s: how long one replica too many must have been so before it goes.
        drain_s: how long those who are at a replica that is to go may stay; at least 10.
        ingresses: processes in which requests come in. With two, people do while a machine that has
            one of them dies.
        wait_s: how long somebody waits for a place until told that there is none; at least 0.1.
        flags: of ``server.py``, for every replica.
    """

    least_replicas: int = 0
    most_replicas: int = 0
    sessions_per_replica: int = 24
    busy_share: float = 0.8
    idle_s: float = 60.0
    drain_s: float = 300.0
    ingresses: int = 2
    wait_s: float = 2.0
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.most_replicas and self.least_replicas > self.most_replicas:
            raise PlanError("least_replicas must not be above most_replicas")
        if self.ingresses > _MOST_INGRESSES:
            raise PlanError(f"ingresses must be at most {_MOST_INGRESSES}, not {self.ingresses}")
        if not 0 < self.busy_share <= 1:
            raise PlanError(f"busy_share must be above 0 and at most 1, not {self.busy_share}")
        for flag in self.flags:
            if flag.partition("=")[0] in _OF_THE_CLUSTER:
                raise PlanError(f"flags: {flag} is not a replica's to choose; leave it out")
        if settings_from(self.flags).server.uploads is not None:
            raise PlanError(
                "flags: a cluster takes no recordings to analyse; leave out --allow-upload"
            )


def plan_from(fields: Mapping[str, Any]) -> Plan:
    """Read a plan.

    Raises:
        PlanError: a field is not known, or its value is none that it can have.
    """
    known = {field.name: field for field in dataclasses.fields(Plan)}
    if strange := sorted(set(fields) - set(known)):
        raise PlanError(f"args: {strange[0]!r} is not known; there are {', '.join(known)}")
    return Plan(**{name: _checked(name, value) for name, value in fields.items()})


def settings_from(flags: Sequence[str]) -> ServingSettings:
    """Read a replica's flags, and the environment of this machine where they say nothing.

    Raises:
        PlanError: one of them is wrong.
    """
    parser = _Parser(prog="flags", allow_abbrev=False)
    add_server_flags(parser)
    try:
        return serving_from(parser.parse_args(list(flags)))
    except ValueError as error:
        raise PlanError(f"flags: {error}") from error


class _Parser(CommandParser):
    def error(self, message: str) -> Any:
        """Raise, where a command would end."""
        raise PlanError(f"flags: {message.removeprefix('flags: ')}")


def _checked(name: str, value: Any) -> Any:
    if name == "flags":
        if not isinstance(value, list):
            raise PlanError("flags must be a list, such as ['--fuse-w-voice', '0.5']")
        return tuple(map(str, value))
    is_whole = isinstance(getattr(Plan, name), int)
    least = _LEAST.get(name, 0)
    kinds = (int,) if is_whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not value >= least:
        kind = "whole number" if is_whole else "number"
        raise PlanError(f"{name} must be a {kind} of at least {least}, not {value!r}")
    return value
