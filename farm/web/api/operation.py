"""What can be asked of the HTTP API: one value for each operation, which routes it and describes it."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, Literal, TypeVar

from pydantic import TypeAdapter
from starlette.requests import Request

from farm.api import Farm
from farm.web.access import Role, Visitor
from farm.web.api.fields import Given
from farm.web.api.problems import Problem

PREFIX = "/api/v1"
JSON = "application/json"
JSONL = "application/x-ndjson"
CSV = "text/csv"
BODY_LIMIT_BYTES = 1 << 20

Q = TypeVar("Q", bound=Given)
B = TypeVar("B")


class Nothing(Given):
    """No parameters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call(Generic[Q, B]):
    """One request, admitted and read: what an endpoint is given."""

    request: Request
    farm: Farm
    visitor: Visitor
    query: Q
    body: B

    @property
    def id(self) -> int:
        """The number in the path; raises Problem for what is none."""
        text = self.request.path_params["id"]
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            raise Problem(kind="not-found", detail=f"{text!r:.60} is no id; ids are whole numbers")
        return int(text)

    @property
    def name(self) -> str:
        """The name in the path."""
        return str(self.request.path_params["name"])


Endpoint = Callable[[Call[Any, Any]], Any] | Callable[[Call[Any, Any]], Awaitable[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One thing that can be asked.

    `endpoint` returns a value of type `answer`, or a response of its own; its docstring is the description.
    `body` is the type of a JSON body (None: there is none). With `uploads`, further kinds of bodies and what
    each is, the endpoint reads the body itself. `streams` are further kinds of answers, `headers` request
    headers with their schemas, `problems` the statuses that not every operation has.
    """

    method: Literal["GET", "POST"]
    path: str
    endpoint: Endpoint
    answer: Any
    tag: str
    status: int = 200
    role: Role | None = Role.READER
    query: type[Given] = Nothing
    body: Any = None
    uploads: Mapping[str, str] = field(default_factory=dict)
    streams: tuple[str, ...] = ()
    headers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    answer_headers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        """Such as `batches_cancel`."""
        return f"{self.tag}_{self.endpoint.__name__}"

    @property
    def description(self) -> str:
        """What it does."""
        return inspect.getdoc(self.endpoint) or ""

    @property
    def statuses(self) -> tuple[int, ...]:
        """Every error status that it may answer with."""
        found = {400, 500, 503, *self.problems}
        if self.role is not None:
            found |= {401, 403}
        if "{" in self.path:
            found.add(404)
        if self.body is not None:
            found |= {413, 415, 422}
        return tuple(sorted(found))

    @property
    def media_types(self) -> tuple[str, ...]:
        """The kinds of bodies that are taken."""
        return () if self.body is None else (JSON, *self.uploads)


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """What reads and writes values of a type."""
    return TypeAdapter(kind)
