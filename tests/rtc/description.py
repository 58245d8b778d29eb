"""The OpenAPI description as tests use it: its operations, and whether an answer is as it says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator

_FILE = Path(__file__).parents[2] / "rtc" / "openapi.json"
_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """A method of a path.

    Attributes:
        needs_token: where the server asks for one.
    """

    name: str
    method: str
    path: str
    needs_token: bool
    responses: Json


class Description:
    """The file, read."""

    def __init__(self) -> None:
        self.document: Json = json.loads(_FILE.read_text())
        self.operations = {
            fields["operationId"]: Operation(
                fields["operationId"],
                method.upper(),
                path,
                fields.get("security", self.document["security"]) != [],
                fields["responses"],
            )
            for path, item in self.document["paths"].items()
            for method, fields in item.items()
            if method in _METHODS
        }

    def schema(self, name: str) -> Json:
        """Return what ``components`` has by this name."""
        found: Json = self.document["components"]["schemas"][name]
        return found

    def check(self, schema: Json, instance: object) -> None:
        """See that ``instance`` is as ``schema`` says.

        Raises:
            jsonschema_rs.ValidationError: it is not.
        """
        whole = {**schema, "components": self.document["components"]}
        Draft202012Validator(whole).validate(instance)

    def check_named(self, name: str, instance: object) -> None:
        """See that ``instance`` is as the schema of this name says; raises as ``check``."""
        self.check({"$ref": f"#/components/schemas/{name}"}, instance)

    def check_answer(
        self, operation: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        """See that an answer is one of those described for an operation, in every part."""
        described = self.found(self.operations[operation].responses[str(status)])
        for name, header in described.get("headers", {}).items():
            schema = self.found(header)["schema"]
            is_number = schema.get("type") == "integer"
            self.check(schema, int(headers[name]) if is_number else headers[name])
        if "content" not in described:
            assert not body, f"{operation} {status} has a body"
            return
        kind = headers["Content-Type"].partition(";")[0]
        content = described["content"]
        assert kind in content or "*/*" in content, f"{operation} {status} is {kind}"
        if schema := content.get(kind, {}).get("schema"):
            for part in _parts(kind, body):
                self.check(schema, part)
                if kind == "text/event-stream":
                    self.check_event_data(part)

    def check_event_data(self, event: Json) -> None:
        """See that the data of an event are a message as described."""
        data = self.schema("ServerSentEvent")["properties"]["data"]
        self.check(data["contentSchema"], json.loads(event["data"]))

    def found(self, fields: Json) -> Json:
        """Follow a reference, if it is one.

        Raises:
            KeyError: it leads nowhere.
        """
        if "$ref" not in fields:
            return fields
        found = self.document
        for step in fields["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return self.found(found)


def events(text: str) -> list[Json]:
    """Return the fields of each whole event (WHATWG HTML, section 9.2.6); comments are left out."""
    blocks = text.split("\n\n")[:-1]
    parsed = [
        dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        for block in blocks
    ]
    return [event for event in parsed if event]


def _parts(kind: str, body: bytes) -> list[Any]:
    """Return what a schema of a media type is of: the whole, each line or each event."""
    if kind == "application/json":
        return [json.loads(body)]
    if kind == "application/x-ndjson":
        return [json.loads(line) for line in body.splitlines()]
    return events(body.decode()) if kind == "text/event-stream" else [body.decode()]
