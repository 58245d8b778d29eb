"""A Ray cluster of several nodes on this machine, in a process that is told what to do by lines.

``python rehearsal.py NODES CPUS PORT`` begins it. Each line of standard input is JSON,
``{"do": NAME, ...}``; each is answered by one line of JSON.
"""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from rtc.cluster.__main__ import RAY_ENVIRONMENT

os.environ.update(RAY_ENVIRONMENT)

import psutil
import ray
from ray import serve
from ray.cluster_utils import Cluster
from ray.serve.schema import LoggingConfig

from rtc.cluster.application import build

_NAME = "emotions"
_QUIET = LoggingConfig(enable_access_log=False, log_level="WARNING")


class Rehearsal:
    """What can be done to the cluster; each answers with what JSON can hold."""

    def __init__(self, nodes: int, cpus: int, port: int) -> None:
        head = {"num_cpus": cpus, "include_dashboard": False, "object_store_memory": 80 * 2**20}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self._others = [self._added(cpus) for _ in range(nodes - 1)]
        ray.init(
            address=self._cluster.address,
            namespace="serve",
            log_to_driver=False,
            configure_logging=False,
        )
        serve.start(
            proxy_location="HeadOnly",
            http_options={"host": "127.0.0.1", "port": port},
            logging_config=_QUIET,
        )

    def deploy(self, **plan: Any) -> None:
        """Carry out a plan, and wait until all of it is there."""
        serve.run(build(plan), name=_NAME, logging_config=_QUIET)

    def redeploy(self, **plan: Any) -> None:
        """Carry out another, without waiting."""
        target = serve.RunTarget(target=build(plan), name=_NAME, logging_config=_QUIET)
        serve.run_many([target], wait_for_applications_running=False)

    def address(self) -> str:
        """Where Ray tools find the cluster."""
        return str(self._cluster.address)

    def states(self) -> dict[str, int]:
        """How many replicas are in which state, in Ray Serve's words."""
        application = serve.status().applications[_NAME]
        states = application.deployments["SessionReplica"].replica_states
        return {str(state): count for state, count in states.items()}

    def replicas(self) -> dict[str, dict[str, Any]]:
        """Of each place: the process that Ray knows, the one that serves, and their node."""
        found = {}
        for seen in serve.get_deployment_handle("Roster", _NAME).all.remote().result().everyone:
            port = int(seen.url.rpartition(":")[2])
            (serving,) = {
                each.pid
                for each in psutil.net_connections("tcp")
                if each.status == psutil.CONN_LISTEN and each.laddr.port == port
            }
            replica = psutil.Process(serving).parent()
            found[seen.place] = {
                "process": replica.pid,
                "serving": serving,
                "node": _node_of(replica),
            }
        return found

    def ingresses(self) -> list[int]:
        """The processes in which requests come in."""
        return _processes(":Ingress")

    def controller(self) -> int:
        """The process of Ray Serve's controller."""
        (process,) = _processes("ServeController")
        return process

    def nodes(self) -> list[str]:
        """Those that were added, by their ids; the head is not among them."""
        return [node.node_id for node in self._others]

    def kill_node(self) -> None:
        """End the node that was added last, with all that is on it, without a goodbye."""
        self._cluster.remove_node(self._others.pop(), allow_graceful=False)

    def remove_node(self) -> None:
        """Have the node end that was added last, in order."""
        self._cluster.remove_node(self._others.pop(), allow_graceful=True)

    def add_node(self, cpus: int) -> None:
        """Add one."""
        self._others.append(self._added(cpus))

    def end(self) -> None:
        """End it all."""
        serve.shutdown()
        ray.shutdown()
        self._cluster.shutdown()

    def _added(self, cpus: int) -> Any:
        return self._cluster.add_node(
            num_cpus=cpus, object_store_memory=80 * 2**20, include_dashboard=False
        )


def _processes(sign: str) -> list[int]:
    """Return those of ours that have this in their command line."""
    every = psutil.Process().children(recursive=True)
    return [each.pid for each in every if sign in " ".join(each.cmdline())]


def _node_of(process: psutil.Process) -> str:
    """Return the id of the node whose raylet began a process."""
    for each in [process, *process.parents()]:
        found = re.search(r"--node[-_]id=(\w+)", " ".join(each.cmdline()))
        if found:
            return found[1]
    return ""


def main() -> None:
    """Do what is said until ``end``, or until nobody says anything more."""
    said, sys.stdout = sys.stdout, sys.stderr  # Ray prints, too
    rehearsal = Rehearsal(*map(int, sys.argv[1:]))
    print(json.dumps({"done": None}), file=said, flush=True)
    for line in sys.stdin:
        fields = json.loads(line)
        try:
            answer = {"done": getattr(rehearsal, fields.pop("do"))(**fields)}
        except Exception:  # noqa: BLE001  whatever it is, the test tells it
            answer = {"failed": traceback.format_exc()}
        print(json.dumps(answer), file=said, flush=True)
    rehearsal.end()


if __name__ == "__main__":
    main()
