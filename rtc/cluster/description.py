"""Reads ``deploy/serve.yaml``: what is to be deployed, in Ray Serve's own format."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from ray.serve.schema import HTTPOptionsSchema, ServeDeploySchema

from rtc.cluster.plan import Plan, PlanError, plan_from

_IMPORT_PATH = "rtc.cluster.application:build"

# Ray Serve passes over what it does not know, so that a slip of the pen would go unseen; and what
# it knows besides, this command does not carry out.
_FIELDS = {"proxy_location", "http_options", "logging_config", "applications"}
_FIELDS_OF_APPLICATION = {"name", "route_prefix", "import_path", "args"}


class FileError(ValueError):
    """The file does not say what to do; the message says what is wrong."""


@dataclass(frozen=True)
class Described:
    """What a file describes.

    Attributes:
        name: of the application.
        plan: for it.
        schema: the rest, in Ray Serve's form.
        logs: what the file says of them.
    """

    name: str
    plan: Plan
    schema: ServeDeploySchema
    logs: Mapping[str, Any]


def read(path: Path) -> Described:
    """Read a file.

    Raises:
        FileError: it cannot be read, or is none of ours.
    """
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
        schema = ServeDeploySchema.model_validate(fields)
        _check_names(fields)
        (ours,) = (each for each in schema.applications if each.import_path == _IMPORT_PATH)
        logs = fields.get("logging_config") or {}
        return Described(ours.name, plan_from(ours.args), schema, logs)
    except OSError as error:
        raise FileError(f"it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileError("it is no text in UTF-8") from error
    except yaml.YAMLError as error:
        raise FileError(f"it is no YAML: {in_one_line(error)}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise FileError(f"{where or 'the file'}: {first['msg']}") from error
    except FileError:
        raise
    except PlanError as error:
        raise FileError(str(error)) from error
    except ValueError as error:
        raise FileError(f"it must have one application with import_path: {_IMPORT_PATH}") from error


def in_one_line(error: Exception) -> str:
    """Return what an error says, without its line breaks."""
    return " ".join(str(error).split())


def _check_names(fields: Mapping[str, Any]) -> None:
    _check("", fields, _FIELDS)
    _check("http_options.", fields.get("http_options") or {}, HTTPOptionsSchema.model_fields)
    applications = fields["applications"]
    if len(applications) > 1:
        raise FileError(
            "it has several applications, and this command carries out one; 'serve deploy' does all"
        )
    for application in applications:
        _check("applications.", application, _FIELDS_OF_APPLICATION)
        if application.get("route_prefix", "/") != "/":
            raise FileError("applications.route_prefix must be /: the page asks there")


def _check(where: str, fields: Mapping[str, Any], known: Collection[str]) -> None:
    if strange := sorted(set(fields) - set(known)):
        names = ", ".join(sorted(known))
        raise FileError(f"{where}{strange[0]} is not known here; there are {names}")
