"""How many replicas a plan means."""

from __future__ import annotations

import pytest

from rtc.cluster.plan import Plan, PlanError
from rtc.cluster.scale import scale_of


def test_more_replicas_than_cores_are_refused() -> None:
    """With how many there are, and what to do."""
    with pytest.raises(PlanError, match="9 replicas take a core each, and the cluster has 8; add"):
        scale_of(Plan(least_replicas=9), cores=8)


def test_a_plan_says_how_many_replicas_there_are() -> None:
    """As many as cores where it says nothing; a fixed number; or from few to many."""
    assert scale_of(Plan(), cores=8) == {"num_replicas": 8}
    assert scale_of(Plan(least_replicas=2, most_replicas=2), cores=8) == {"num_replicas": 2}
    scale = scale_of(Plan(least_replicas=1, sessions_per_replica=20), cores=8)
    scaling = scale["autoscaling_config"]
    assert (scaling["min_replicas"], scaling["max_replicas"]) == (1, 8)
    assert scaling["target_ongoing_requests"] == 16
