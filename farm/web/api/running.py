"""Running an accepted query, read-only and bounded: its rows as JSON, or all of them streamed."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from farm.api import Farm
from farm.errors import TargetTrouble
from farm.exports.formats import FORMATS, Format, file_name
from farm.exports.jsonl import plain
from farm.running.cells import from_json
from farm.running.service import require_url
from farm.store.reports import Report
from farm.store.runs import Run
from farm.targets.target import Target
from farm.web import asked_run
from farm.web.access import Role
from farm.web.api.fields import Given, whole
from farm.web.api.operation import CSV, JSONL, Call, Nothing, Operation
from farm.web.api.problems import Problem
from farm.web.pages.exports import ExportResponse, begun
from farm.web.pages.runs import Wanted
from farm.web.running import require_sound, runs_of

Rows = Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(whole)]
FIRST_LOOK_SECONDS = 0.01
LOOK_SECONDS = 0.5
"""How often it is looked, at first and later on, whether a run has ended and who asked is still there."""


class RunBody(Given):
    """How to run it."""

    parameters: dict[str, Annotated[str, Field(max_length=1_000)]] = Field(default={}, max_length=100)
    """Other values in the places of literals, by the names that `GET /queries/{id}/parameters` tells."""
    row_limit: Rows = 1_000_000
    """Rows at most; never more than FARM_ROW_LIMIT."""
    timeout_seconds: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] = 86_400
    """For the query; never more than FARM_RUN_TIMEOUT_SECONDS."""
    format: Literal["json", "csv", "jsonl"] = "json"
    """`csv` and `jsonl` stream the whole result, within the limits of exports."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunAnswer:
    """What came of a run; `truncated`: there were more rows.

    Decimals that no JSON number holds exactly are text; dates and times are ISO 8601.
    """

    run_id: int
    query_id: int
    version: int
    sql: str
    columns: list[str]
    rows: list[list[Any]]
    row_count: int
    truncated: bool
    duration_ms: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterAnswer:
    """A literal of a query that a run may replace; `default` is what the query says."""

    name: str
    kind: str
    default: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ParametersAnswer:
    """The literals that a run may replace."""

    parameters: list[ParameterAnswer]


def parameters(call: Call[Nothing, None]) -> ParametersAnswer:
    """See which literals of a query a run may replace."""
    report, target = _report(call.farm, call.id)
    found = asked_run.fields(*asked_run.own_sql(report, target), {})
    return ParametersAnswer(
        parameters=[
            ParameterAnswer(name=one.parameter.name, kind=one.parameter.kind, default=one.parameter.default)
            for one in found
        ]
    )


async def run(call: Call[Nothing, RunBody]) -> RunAnswer | Response:
    """Run an accepted query on its target, read-only, within limits of rows and time.

    It is cancelled when who asks goes away.
    """
    request, body = call.request, call.body
    wanted = await run_in_threadpool(_wanted, call.farm, call.id, body)
    if wanted.sql != wanted.own_sql:
        await require_sound(request, wanted.sql, wanted.target)
    if body.format != "json":
        return await _streamed(request, wanted, FORMATS[body.format])
    settings = call.farm.settings
    run_id = await run_in_threadpool(
        runs_of(request).start,
        wanted.report,
        wanted.target,
        wanted.sql,
        parameters=wanted.values,
        started_by=call.visitor.name,
        row_limit=min(body.row_limit, settings.row_limit),
        timeout_seconds=min(body.timeout_seconds, settings.run_timeout_seconds),
    )
    return _answer(await _ended(request, run_id))


def _report(farm: Farm, query_id: int) -> tuple[Report, Target]:
    report = farm.query(query_id)
    return report, farm.target(report.target)


def _wanted(farm: Farm, query_id: int, body: RunBody) -> Wanted:
    report, target = _report(farm, query_id)
    try:
        require_url(target)
    except TargetTrouble as error:
        raise Problem(kind="conflict", detail=str(error)) from None
    sql, dialect = asked_run.own_sql(report, target)
    values = asked_run.changed(sql, dialect, body.parameters)
    bound = asked_run.bound(sql, dialect, values)
    return Wanted(report=report, target=target, values=values, sql=bound, own_sql=sql)


async def _ended(request: Request, run_id: int) -> Run:
    """The run once it has ended; one that nobody waits for is cancelled.

    It is awaited without a thread, or a few long runs would take all of those that pages are made in.
    """
    runs, pause_seconds = runs_of(request), FIRST_LOOK_SECONDS
    while not runs.wait(run_id, seconds=0):
        if await request.is_disconnected():
            await run_in_threadpool(runs.cancel, run_id)
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(1.5 * pause_seconds, LOOK_SECONDS)
    return await run_in_threadpool(runs.get, run_id)


def _answer(run: Run) -> RunAnswer:
    if run.state != "done":
        raise Problem(kind="target-failed", detail=run.error or f"the run was {run.state}")
    rows = [[plain(from_json(value)) for value in row] for row in run.rows or []]
    return RunAnswer(
        run_id=run.id,
        query_id=run.query_id,
        version=run.version,
        sql=run.sql,
        columns=run.columns or [],
        rows=rows,
        row_count=len(rows),
        truncated=bool(run.truncated),
        duration_ms=run.duration_ms,
    )


async def _streamed(request: Request, wanted: Wanted, form: Format) -> Response:
    ready = await begun(request, wanted, form)
    title = wanted.report.title or wanted.report.question
    name = file_name(wanted.report.id, title, form.name)
    return ExportResponse(ready, media_type=form.media_type, name=name)


OPERATIONS = (
    Operation(
        method="GET",
        path="/queries/{id}/parameters",
        endpoint=parameters,
        answer=ParametersAnswer,
        tag="queries",
    ),
    Operation(
        method="POST",
        path="/queries/{id}/run",
        endpoint=run,
        answer=RunAnswer,
        tag="queries",
        role=Role.RUNNER,
        body=RunBody,
        streams=(CSV, JSONL),
        problems=(409, 502),
    ),
)
