"""Targets: the databases that queries are written for, and holding a query against the checks."""

from dataclasses import dataclass
from typing import Annotated, cast

from pydantic import Field
from starlette.concurrency import run_in_threadpool

from farm.checker.client import Checker
from farm.errors import NotFound, UnknownTarget
from farm.storable import comparable
from farm.targets.target import Target
from farm.web.access import Role
from farm.web.api.answers import VerdictAnswer
from farm.web.api.fields import Given, Name
from farm.web.api.operation import Call, Nothing, Operation

SQL_LIMIT_CHARS = 80_000
"""As many fit into a body, however they are written."""


class CheckBody(Given):
    """A query, and the target that it is for."""

    sql: Annotated[str, Field(min_length=1, max_length=SQL_LIMIT_CHARS)]
    """The query, taken as it is."""
    target: Name
    """A target's name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetAnswer:
    """A target; `runs`: queries can be run on it from this server, which knows its URL."""

    name: str
    dialect: str
    fingerprint: str
    runs: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetDetail(TargetAnswer):
    """A target with its schema as CREATE statements, and notes on it."""

    ddl: str
    notes: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetsAnswer:
    """All targets, by name."""

    targets: list[TargetAnswer]


def index(call: Call[Nothing, None]) -> TargetsAnswer:
    """List all targets."""
    found = [
        TargetAnswer(
            name=target.name,
            dialect=target.dialect,
            fingerprint=target.fingerprint,
            runs=target.url is not None,
        )
        for target in call.farm.targets()
    ]
    return TargetsAnswer(targets=found)


def show(call: Call[Nothing, None]) -> TargetDetail:
    """See a target with its schema; never with its URL."""
    try:
        target = call.farm.target(comparable(call.name))
    except UnknownTarget as error:
        raise NotFound(str(error)) from None
    return TargetDetail(
        name=target.name,
        dialect=target.dialect,
        fingerprint=target.fingerprint,
        runs=target.url is not None,
        ddl=target.ddl,
        notes=target.notes,
    )


async def check(call: Call[Nothing, CheckBody]) -> VerdictAnswer:
    """Hold a query against the checks that a model's answers meet; nothing is run."""
    target: Target = await run_in_threadpool(call.farm.target, call.body.target)
    checker = cast(Checker, call.request.app.state.run_checker)
    return VerdictAnswer.of(await checker.check(call.body.sql, target))


OPERATIONS = (
    Operation(method="GET", path="/targets", endpoint=index, answer=TargetsAnswer, tag="targets"),
    Operation(method="GET", path="/targets/{name}", endpoint=show, answer=TargetDetail, tag="targets"),
    Operation(
        method="POST",
        path="/check",
        endpoint=check,
        answer=VerdictAnswer,
        tag="targets",
        role=Role.RUNNER,
        body=CheckBody,
    ),
)
