"""Reads ``deploy/serve.yaml`` and carries it out."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import ray
import yaml
from pydantic import ValidationError
from ray import serve
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException
from ray.serve.schema import LoggingConfig, ServeDeploySchema

from rtc.cluster.application import application
from rtc.cluster.plan import Plan, PlanError, plan_from
from rtc.serve import PortError, address_of, hold_port

_PATIENCE_S = 2.0
_NO_CLUSTER = "no Ray cluster is at {}; start one with 'ray start --head'"
_NOT_LET_IN = (
    "what is at {} does not let us in as a Ray cluster; if it asks for a token, copy "
    "~/.ray/auth_token from its first machine to this one"
)
_IMPORT_PATH = "rtc.cluster.application:build"


class FileError(ValueError):
    """The file does not say what to do; the message says what is wrong."""


class DeploymentError(RuntimeError):
    """It could not be done; the message says why."""


@dataclass(frozen=True)
class Described:
    """What a file describes.

    Attributes:
        name: of the application.
        plan: for it.
        schema: the rest, in Ray Serve's form.
    """

    name: str
    plan: Plan
    schema: ServeDeploySchema


def read(path: Path) -> Described:
    """Read a file.

    Raises:
        FileError: it cannot be read, or is none of ours.
    """
    try:
        fields = yaml.safe_load(path.read_text())
        schema = ServeDeploySchema.model_validate(fields)
        (ours,) = (each for each in schema.applications if each.import_path == _IMPORT_PATH)
        return Described(ours.name, plan_from(ours.args), schema)
    except OSError as error:
        raise FileError(f"it cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise FileError(f"it is no YAML: {_in_one_line(error)}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise FileError(f"{where or 'the file'}: {first['msg']}") from error
    except PlanError as error:
        raise FileError(str(error)) from error
    except ValueError as error:
        raise FileError(f"it must have one application with import_path: {_IMPORT_PATH}") from error


@contextlib.contextmanager
def deployed(described: Described, address: str | None) -> Iterator[str]:
    """Have the cluster serve, and give its URL; at the end, end what was begun.

    Args:
        described: what to deploy.
        address: of a cluster that runs already; None starts one on this machine.

    Raises:
        DeploymentError: it could not be deployed.
    """
    http = described.schema.http_options
    was_reached = False
    if address is None:
        url = _url_of_free_port(http.host, http.port)
    else:
        url = f"http://{http.host}:{http.port}/"
        was_reached = _has_reached(address)
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
        sentence = _NOT_LET_IN if was_reached else _NO_CLUSTER
        raise DeploymentError(sentence.format(address)) from error
    try:
        serve.start(
            proxy_location=described.schema.proxy_location,
            http_options=http.model_dump(exclude_unset=True),
            logging_config=_quiet(),
        )
        try:
            serve.run(application(described.plan), name=described.name, logging_config=_quiet())
        except PlanError as error:
            raise DeploymentError(str(error)) from error
        except RuntimeError as error:
            raise DeploymentError(_why(described.name) or _in_one_line(error)) from error
        yield url
    finally:
        if address is None:
            _say_goodbye(described.name)  # then all processes of the cluster end with Ray
        ray.shutdown()


def _has_reached(address: str) -> bool:
    """See whether somebody listens at ``HOST:PORT``; Ray would try for two minutes.

    Returns:
        False where the address is auto, or another of Ray's own words.

    Raises:
        DeploymentError: nobody does.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return False
    try:
        socket.create_connection((host, int(port)), _PATIENCE_S).close()
    except OSError as error:
        raise DeploymentError(_NO_CLUSTER.format(address)) from error
    return True


def _say_goodbye(name: str) -> None:
    """End all sessions, for which Ray Serve would wait else."""
    # Where not even the roster came about, there is nobody to say it to.
    with contextlib.suppress(RayError, RayServeException):
        roster = serve.get_deployment_handle("Roster", name)
        for seen in roster.all.remote().result(timeout_s=_PATIENCE_S):
            request = Request(f"{seen.url}/lasting", headers=seen.pass_, method="DELETE")  # noqa: S310  our own replica
            with contextlib.suppress(OSError), urlopen(request, timeout=_PATIENCE_S):  # noqa: S310  as above
                pass


def _quiet() -> LoggingConfig:
    # Its access log would hold the names of sessions, which are secrets.
    return LoggingConfig(enable_access_log=False, log_level="WARNING")


def _url_of_free_port(host: str, port: int) -> str:
    try:
        with hold_port(host, port) as held:
            return address_of(held)
    except PortError as error:
        raise DeploymentError(f"{error} (in http_options)") from error


def _why(name: str) -> str:
    """Return what a replica said that could not start; empty if none did."""
    application = serve.status().applications.get(name)
    told = [each.message for each in application.deployments.values()] if application else []
    # What Ray writes ends with the traceback; its last line of ours says what was wrong.
    found = re.findall(
        r"(?m)^(?:[\w.]+\.)?(?:ReplicaFailedError|PlanError|ValueError): (.+)$", "\n".join(told)
    )
    return str(found[-1]) if found else ""


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())
