"""The OpenAPI 3.1 document, made of the table of operations that also routes."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter

from farm.web.access import Role
from farm.web.api import problems
from farm.web.api.fields import MOST_ID
from farm.web.api.operation import JSON, PREFIX, Operation, adapter

REFERENCE = "#/components/schemas/{model}"
IN_PATH: Mapping[str, Mapping[str, Any]] = {
    "id": {"type": "integer", "minimum": 0, "maximum": MOST_ID},
    "name": {"type": "string", "minLength": 1},
}
ROLES = {None: "Needs no token.", Role.READER: "For readers.", Role.RUNNER: "For runners."}
DESCRIPTION = (
    "Ask questions, follow them, fetch what came of them, and steer the farm. Every error is a problem "
    "document (RFC 9457)."
)
ANSWER_HEADERS: Mapping[int, Mapping[str, Any]] = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}},
    503: {
        "Retry-After": {
            "description": "Seconds after which to try again.",
            "schema": {"type": "integer", "minimum": 1},
        }
    },
}


def document(operations: Iterable[Operation], *, version: str) -> dict[str, Any]:
    """The description of these operations, as JSON values."""
    table = list(operations)
    schemas, definitions = _schemas(table)
    paths: dict[str, dict[str, Any]] = {}
    for operation in table:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, schemas)
    found = {
        "openapi": "3.1.0",
        "info": {"title": "SQL farm", "version": version, "description": DESCRIPTION},
        "servers": [{"url": PREFIX}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {**definitions, "Problem": dict(problems.SCHEMA)},
        },
    }
    return {name: _without_null_defaults(value) for name, value in found.items()}


Key = tuple[str, str]


def _schemas(table: list[Operation]) -> tuple[dict[Key, Any], dict[str, Any]]:
    """The schema of each body and answer, by the operation's id and which of both, and what they refer to."""
    wanted: list[tuple[str, Any, TypeAdapter[Any]]] = []
    for operation in table:
        wanted.append((operation.id, "serialization", adapter(operation.answer)))
        if operation.body is not None:
            wanted.append((operation.id, "validation", adapter(operation.body)))
    found, shared = TypeAdapter.json_schemas(wanted, ref_template=REFERENCE)
    return {(str(key), mode): schema for (key, mode), schema in found.items()}, shared.get("$defs", {})


def _described(operation: Operation, schemas: Mapping[Key, Any]) -> dict[str, Any]:
    first, _, rest = operation.description.partition("\n")
    said: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": first.rstrip("."),
        "description": f"{' '.join(rest.split())} {ROLES.get(operation.role, 'For operators.')}".strip(),
        "parameters": _parameters(operation),
        "responses": _answers(operation, schemas),
    }
    if operation.role is None:
        said["security"] = []
    if operation.body is not None:
        content: dict[str, Any] = {JSON: {"schema": schemas[operation.id, "validation"]}}
        for kind, what in operation.uploads.items():
            content[kind] = {"schema": {"type": "string", "description": what}}
        said["requestBody"] = {"required": True, "content": content}
    return said


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": dict(schema)}
        for name, schema in IN_PATH.items()
        if f"{{{name}}}" in operation.path
    ]
    given = operation.query.model_json_schema(mode="validation")
    in_query = [
        {
            "name": name,
            "in": "query",
            "description": schema.get("description", ""),
            "schema": {key: value for key, value in schema.items() if key not in ("description", "title")},
        }
        for name, schema in given.get("properties", {}).items()
    ]
    in_header = [
        {"name": name, "in": "header", "schema": dict(schema)} for name, schema in operation.headers.items()
    ]
    return [*in_path, *in_query, *in_header]


def _answers(operation: Operation, schemas: Mapping[Key, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {JSON: {"schema": schemas[operation.id, "serialization"]}}
    content |= {kind: {"schema": {"type": "string"}} for kind in operation.streams}
    good: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase, "content": content}
    if operation.answer_headers:
        good["headers"] = {name: dict(header) for name, header in operation.answer_headers.items()}
    return {str(operation.status): good} | {str(status): _problem(status) for status in operation.statuses}


def _problem(status: int) -> dict[str, Any]:
    reference = {"$ref": REFERENCE.format(model="Problem")}
    said: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {problems.MEDIA_TYPE: {"schema": reference}},
    }
    if status in ANSWER_HEADERS:
        said["headers"] = dict(ANSWER_HEADERS[status])
    return said


def _without_null_defaults(value: Any) -> Any:
    """Null is not taken where a value is left out, so it is no default either."""
    if isinstance(value, dict):
        return {
            key: _without_null_defaults(held)
            for key, held in value.items()
            if not (key == "default" and held is None)
        }
    if isinstance(value, list):
        return [_without_null_defaults(held) for held in value]
    return value
