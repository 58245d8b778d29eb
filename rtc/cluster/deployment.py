"""Carries out what ``deploy/serve.yaml`` describes."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
from collections.abc import Iterator
from urllib.request import Request, urlopen

import ray
from ray import serve
from ray.exceptions import RayError
from ray.serve.config import HTTPOptions
from ray.serve.context import _get_global_client  # no public way tells where it listens
from ray.serve.exceptions import RayServeException
from ray.serve.schema import LoggingConfig

from rtc.cluster.application import application, check_networks
from rtc.cluster.description import Described, in_one_line
from rtc.cluster.plan import PlanError
from rtc.serve import PortError, address_of, hold_port

_PATIENCE_S = 2.0
# An access log would hold the names of sessions, which are secrets.
_QUIET = {"enable_access_log": False, "log_level": "WARNING"}
_NO_CLUSTER = "no Ray cluster is at {}; start one with 'ray start --head'"
_NOT_LET_IN = (
    "what is at {} does not let us in as a Ray cluster; if it asks for a token, copy "
    "~/.ray/auth_token from its first machine to this one"
)


class DeploymentError(RuntimeError):
    """It could not be done; the message says why."""


def url_for(described: Described, address: str | None) -> str:
    """Return where the cluster will listen, if nothing that can be seen beforehand is against it.

    Raises:
        DeploymentError: its port is taken, there is no cluster at the address, or the networks
            cannot be loaded.
    """
    try:
        check_networks(described.plan)
    except PlanError as error:
        raise DeploymentError(str(error)) from error
    http = described.schema.http_options
    if address is None:
        return _url_of_free_port(http.host, http.port)
    if _is_of_host(address):
        _check_reached(address)
    return f"http://{http.host}:{http.port}/"


@contextlib.contextmanager
def deployed(described: Described, address: str | None) -> Iterator[None]:
    """Have the cluster serve; at the end, end what was begun.

    Args:
        described: what to deploy.
        address: of a cluster that runs already; None starts one on this machine.

    Raises:
        DeploymentError: it could not be deployed.
    """
    http = described.schema.http_options
    for name in ("ray", "ray.serve"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        ray.init(
            address=address or "local",
            namespace="serve",
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except ConnectionError as error:
        sentence = _NOT_LET_IN if address and _is_of_host(address) else _NO_CLUSTER
        raise DeploymentError(sentence.format(address)) from error
    except (RayError, RuntimeError) as error:  # such as another version of Ray there
        raise DeploymentError(in_one_line(error)) from error
    try:
        logs = LoggingConfig(**{**_QUIET, **described.logs})
        place = {"host": http.host, "port": http.port}  # whose defaults are others there
        serve.start(
            proxy_location=described.schema.proxy_location,
            http_options=http.model_dump(exclude_unset=True) | place,
            logging_config=logs,
        )
        _check_address(HTTPOptions(host=http.host, port=http.port))
        try:
            serve.run(application(described.plan), name=described.name, logging_config=logs)
        except PlanError as error:
            raise DeploymentError(str(error)) from error
        except RuntimeError as error:
            raise DeploymentError(_why(described.name) or in_one_line(error)) from error
        yield
    finally:
        if address is None:
            _say_goodbye(described.name)  # then all processes of the cluster end with Ray
        ray.shutdown()


def _is_of_host(address: str) -> bool:
    """Whether it is HOST:PORT, and not auto or another of Ray's own words."""
    host, _, port = address.rpartition(":")
    return bool(host) and port.isdecimal()


def _check_reached(address: str) -> None:
    """See that somebody listens at HOST:PORT, for Ray would try for two minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _PATIENCE_S).close()
    except OSError as error:
        raise DeploymentError(_NO_CLUSTER.format(address)) from error


def _say_goodbye(name: str) -> None:
    """End all sessions, for which Ray Serve would wait else."""
    # Where not even the roster came about, there is nobody to say it to.
    with contextlib.suppress(KeyError, RayError, RayServeException, TimeoutError):
        roster = serve.get_deployment_handle("Roster", name)
        for seen in roster.all.remote().result(timeout_s=_PATIENCE_S).everyone:
            request = Request(f"{seen.url}/lasting", headers=seen.pass_, method="DELETE")  # noqa: S310  our own replica
            with contextlib.suppress(OSError), urlopen(request, timeout=_PATIENCE_S):  # noqa: S310  as above
                pass


def _check_address(wanted: HTTPOptions) -> None:
    """See that a Ray Serve that runs already listens where it is to."""
    client = _get_global_client()
    assert client is not None, "Ray Serve was started"
    found = client.http_config
    if (found.host, found.port) != (wanted.host, wanted.port):
        raise DeploymentError(
            f"Ray Serve runs here already, at {found.host}:{found.port}, and not at "
            f"{wanted.host}:{wanted.port}; give that in http_options, or end it first with "
            "'serve shutdown -y'"
        )


def _url_of_free_port(host: str, port: int) -> str:
    try:
        with hold_port(host, port) as held:
            return address_of(held)
    except PortError as error:
        raise DeploymentError(
            f"{str(error).partition(';')[0]}; choose another in http_options"
        ) from error


def _why(name: str) -> str:
    """Return what a replica said that could not start; empty if none did."""
    application = serve.status().applications.get(name)
    told = [each.message for each in application.deployments.values()] if application else []
    # What Ray writes ends with the traceback; its last line of ours says what was wrong.
    found = re.findall(
        r"(?m)^(?:[\w.]+\.)?(?:ReplicaFailedError|PlanError|ValueError): (.+)$", "\n".join(told)
    )
    return str(found[-1]) if found else ""
