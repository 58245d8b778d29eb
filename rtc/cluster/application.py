"""Composition root of a cluster: what ``deploy/serve.yaml`` has Ray Serve build."""

from __future__ import annotations

import dataclasses
import math
import os
from typing import Any

import ray
from ray import serve

from models.loading import load_models
from models.weights import WeightsError
from rtc.cluster.ingress import Ingress
from rtc.cluster.plan import ENVIRONMENT, Plan, PlanError, plan_from, settings_from
from rtc.cluster.replica import SessionReplica
from rtc.cluster.roster import Roster
from rtc.cluster.scale import scale_of

# Sessions are long and few: how many a replica has is asked each time, not remembered for 10 s, and
# one that is busy has more than a tenth of a second to answer. Who scales is told each second.
_ENVIRONMENT = {
    "RAY_SERVE_REPLICA_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "1",
    "RAY_SERVE_HANDLE_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "1",
    "RAY_SERVE_QUEUE_LENGTH_CACHE_TIMEOUT_S": "0",
    "RAY_SERVE_QUEUE_LENGTH_RESPONSE_DEADLINE_S": "0.5",
    # Counted where they are served, for an ingress that dies would take its count along.
    "RAY_SERVE_COLLECT_AUTOSCALING_METRICS_ON_HANDLE": "0",
}
_MOST_REQUESTS = 10_000  # at one ingress; those who watch are most of them
_FAREWELL_S = 10.0  # for sessions that are ended to say so, before their replica is killed
_TRIES = 2  # to start a replica: what fails twice will fail again
_HEALTH_PERIOD_S, _HEALTH_PATIENCE_S = 1.0, 5.0


def build(args: dict[str, Any]) -> serve.Application:
    """Build the application of a plan's fields; see ``rtc.cluster.plan.Plan``.

    What no replica could carry out is found here, so that it does not replace what works.

    Raises:
        rtc.cluster.plan.PlanError: the plan cannot be carried out.
    """
    plan = plan_from(args)
    check_networks(plan)
    return application(plan)


def application(plan: Plan) -> serve.Application:
    """Build the application of a plan, for the cluster that we are connected to.

    Raises:
        rtc.cluster.plan.PlanError: the cluster has fewer cores than the plan has replicas.
    """
    cores = int(ray.cluster_resources().get("CPU", 0))  # type: ignore[no-untyped-call]  # Ray's
    roster = _deployment(Roster, ray_actor_options=_actor(cores=0)).bind()
    replica = _deployment(
        SessionReplica,
        **scale_of(plan, cores),
        max_ongoing_requests=plan.sessions_per_replica,
        ray_actor_options=_actor(cores=1),
        graceful_shutdown_timeout_s=plan.drain_s + _FAREWELL_S,
        graceful_shutdown_wait_loop_s=0.5,
        max_constructor_retry_count=_TRIES,
        health_check_period_s=_HEALTH_PERIOD_S,
        health_check_timeout_s=_HEALTH_PATIENCE_S,
    )
    ingress = _deployment(
        Ingress,
        num_replicas=plan.ingresses,
        # On different machines where there are, for one that dies is not to take all along.
        max_replicas_per_node=math.ceil(plan.ingresses / _machines_for_ingresses()),
        graceful_shutdown_timeout_s=_FAREWELL_S,
        max_ongoing_requests=_MOST_REQUESTS,
        ray_actor_options=_actor(cores=0),
    )
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    return ingress.bind(plan, environment, replica.bind(plan, environment, roster), roster)


def check_networks(plan: Plan) -> None:
    """Load them once.

    Raises:
        rtc.cluster.plan.PlanError: they cannot be loaded.
    """
    wanted = settings_from(plan.flags).models
    # Where replicas run there may be a GPU that this machine has not; and what can be done without
    # need not be downloaded here.
    face_model = "hsemotion" if wanted.face_model == "hsemotion" else "embedded"
    try:
        load_models(dataclasses.replace(wanted, face_device="cpu", face_model=face_model))
    except WeightsError as error:
        raise PlanError(str(error)) from error


def _machines_for_ingresses() -> int:
    """Return over how many to spread them: of three or more, one may die and be done without."""
    alive = sum(node["Alive"] for node in ray.nodes())  # type: ignore[no-untyped-call]  # Ray's
    return int(alive - 1 if alive > 2 else max(1, alive))


def _deployment(kind: type, **options: Any) -> serve.Deployment:
    deployment: serve.Deployment = serve.deployment(**options)(kind)
    return deployment


def _actor(cores: int) -> dict[str, Any]:
    return {"num_cpus": cores, "runtime_env": {"env_vars": _ENVIRONMENT}}
