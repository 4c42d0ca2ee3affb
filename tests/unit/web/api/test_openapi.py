"""The document says what the table says."""

from dataclasses import dataclass
from typing import Any

import pytest

from farm.web.access import Role
from farm.web.api.fields import Given, Limit, Maybe, Name
from farm.web.api.openapi import document
from farm.web.api.operation import Call, Operation
from farm.web.api.table import OPERATIONS


class Query(Given):
    """Parameters."""

    limit: Limit = 50
    """How many at most."""


class Body(Given):
    """A body."""

    name: Maybe[Name] = None
    """A name."""


@dataclass(frozen=True)
class Answer:
    """An answer."""

    tasks: int


def count(call: Call[Any, Any]) -> Answer:
    """Count the tasks.

    All of them.
    """
    return Answer(tasks=0)


ONE = Operation(
    method="POST",
    path="/things/{id}/count",
    endpoint=count,
    answer=Answer,
    tag="things",
    role=Role.OPERATOR,
    query=Query,
    body=Body,
)


@pytest.fixture
def said() -> dict[str, Any]:
    found: dict[str, Any] = document([ONE], version="7")["paths"]["/things/{id}/count"]["post"]
    return found


def test_the_docstring_is_the_description(said):
    assert (said["operationId"], said["summary"]) == ("things_count", "Count the tasks")
    assert said["description"] == "All of them. For operators."


def test_parameters_are_described_where_they_stand(said):
    assert [(one["name"], one["in"]) for one in said["parameters"]] == [("id", "path"), ("limit", "query")]
    assert said["parameters"][1] == {
        "name": "limit",
        "in": "query",
        "description": "How many at most.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
    }


def test_every_answer_that_may_come_is_told(said):
    assert list(said["responses"]) == ["200", "400", "401", "403", "404", "413", "415", "422", "500", "503"]
    assert "Retry-After" in said["responses"]["503"]["headers"]
    assert list(said["responses"]["422"]["content"]) == ["application/problem+json"]


def test_what_may_be_left_out_has_no_null_for_a_default():
    schemas = document([ONE], version="7")["components"]["schemas"]
    assert "default" not in schemas["Body"]["properties"]["name"]


def test_all_that_is_referred_to_is_there():
    found = document(OPERATIONS, version="7")
    there = {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}
    assert set(references(found)) <= there


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [one for held in value.values() for one in references(held)]
    return [one for held in value for one in references(held)] if isinstance(value, list) else []
