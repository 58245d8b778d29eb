"""What a plan may say, and the sentence for each thing that it may not."""

from __future__ import annotations

import os
from typing import Any

import pytest

from rtc.cluster.plan import ENVIRONMENT, Plan, PlanError, plan_from, settings_from


def test_nothing_said_is_a_plan() -> None:
    """Every field has a default, and none of them is refused."""
    assert plan_from({}) == Plan()


def test_the_flags_are_those_of_the_server() -> None:
    """A replica's flags reach its settings."""
    plan = plan_from({"flags": ["--fuse-w-voice", 0.25, "--udp-ports", "40000-40999"]})
    settings = settings_from(plan.flags)
    assert settings.server.session.tracker.fusion.w_voice == 0.25
    assert settings.udp_ports is not None
    assert len(settings.udp_ports) == 1000


def test_every_setting_of_the_environment_is_of_all_or_of_a_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What whoever deploys has set goes for all; nothing that the flags look for is forgotten."""
    looked_for = set()

    class Watched(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            looked_for.add(name)
            return super().get(name, default)

    monkeypatch.setattr(os, "environ", Watched(os.environ))
    settings_from(())
    of_one_machine = {"ANNOUNCE_ADDRESS", "UDP_PORTS"}
    of_others = {"PRELAUNCH_EVAL", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"}
    assert looked_for - of_one_machine - of_others == set(ENVIRONMENT)


def test_a_node_names_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """What flags do not say is taken from the environment of the machine where they are read."""
    monkeypatch.setenv("ANNOUNCE_ADDRESS", "203.0.113.7")
    assert settings_from(()).server.session.announce_address == "203.0.113.7"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"replicas": 3}, "args: 'replicas' is not known; there are least_replicas, most_replicas"),
        ({"least_replicas": -1}, "least_replicas must be a whole number of at least 0, not -1"),
        ({"least_replicas": 1.5}, "least_replicas must be a whole number of at least 0, not 1.5"),
        ({"least_replicas": 3, "most_replicas": 2}, "least_replicas must not be above most"),
        ({"sessions_per_replica": 0}, "must be a whole number of at least 1, not 0"),
        ({"sessions_per_replica": True}, "must be a whole number of at least 1, not True"),
        ({"ingresses": 0}, "ingresses must be a whole number of at least 1, not 0"),
        ({"busy_share": 0}, "busy_share must be above 0 and at most 1, not 0"),
        ({"busy_share": 1.1}, "busy_share must be above 0 and at most 1, not 1.1"),
        ({"drain_s": "long"}, "drain_s must be a number of at least 10, not 'long'"),
        ({"drain_s": 5}, "drain_s must be a number of at least 10, not 5"),
        ({"wait_s": float("nan")}, "wait_s must be a number of at least 0.1, not nan"),
        ({"flags": "--offline"}, "flags must be a list, such as"),
        ({"flags": ["--port", "80"]}, "flags: --port is not a replica's to choose; leave it out"),
        ({"flags": ["--max-sessions=3"]}, "flags: --max-sessions=3 is not a replica's to choose"),
        ({"flags": ["--drain", "3"]}, "flags: --drain is not a replica's to choose"),
        ({"flags": ["--announce-address", "here"]}, "takes an IPv4 address, such as 203.0.113.7"),
        ({"flags": ["--announce-address", "0.0.0.0"]}, "0.0.0.0 is the address of no machine"),
        ({"flags": ["--fuse-w-voice", "2"]}, "flags: argument --fuse-w-voice: must be a number"),
        ({"flags": ["--prot", "2"]}, "flags: unrecognized arguments: --prot"),
        ({"flags": ["--allow-upload"]}, "a cluster takes no recordings to analyse"),
        ({"flags": ["--ice-relay-only"]}, "flags: --ice-relay-only needs a TURN server"),
    ],
)
def test_nonsense_is_refused(fields: dict[str, Any], sentence: str) -> None:
    """What cannot be meant is named, with what to write instead."""
    with pytest.raises(PlanError) as refused:
        plan_from(fields)
    assert sentence in str(refused.value)
