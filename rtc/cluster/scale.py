"""How many replicas there are to be, in Ray Serve's words."""

from __future__ import annotations

from typing import Any

from rtc.cluster.plan import Plan, PlanError


def scale_of(plan: Plan, cores: int) -> dict[str, Any]:
    """Return the options of the deployment of replicas.

    Args:
        plan: what is wanted.
        cores: that the cluster has.

    Raises:
        rtc.cluster.plan.PlanError: there are fewer cores than replicas.
    """
    most = plan.most_replicas or max(cores, plan.least_replicas, 1)
    least = plan.least_replicas or most
    if least > cores:
        raise PlanError(
            f"{least} replicas take a core each, and the cluster has {cores or 'none'}; add "
            "machines with 'ray start', or lower least_replicas"
        )
    if least == most:
        return {"num_replicas": most}
    scaling = {
        "min_replicas": least,
        "max_replicas": most,
        "target_ongoing_requests": plan.sessions_per_replica * plan.busy_share,
        "upscale_delay_s": min(5.0, plan.idle_s),
        "downscale_delay_s": plan.idle_s,
        "look_back_period_s": 11.0,  # the least that goes with Ray Serve's interval of 10 s
    }
    return {"autoscaling_config": scaling}
