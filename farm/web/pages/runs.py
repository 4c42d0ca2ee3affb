"""Running a report, and its results."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from farm.errors import TargetTrouble
from farm.exports.formats import FORMATS
from farm.running.cells import from_json
from farm.running.service import require_url
from farm.store import actions
from farm.store import runs as run_store
from farm.store.reports import Report
from farm.store.runs import Run
from farm.targets.target import Target
from farm.web import asked_run, chart_choice
from farm.web.access import Role, Visitor
from farm.web.asked_run import prefixed
from farm.web.page import farm_of, field, form, number, page, see, visitor
from farm.web.results import Sorting, table
from farm.web.running import once_of, require_sound, runs_of
from farm.web.templating import render

FIRST_WAIT_SECONDS = 2.0
LATEST_RUNS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A report to be run: `values` are those that differ from the query's own, `sql` has them in it."""

    report: Report
    target: Target
    values: dict[str, str]
    sql: str
    own_sql: str


def run_panel(request: Request, report: Report) -> dict[str, Any]:
    """What `run_panel.html` needs on the page of a report; the values in the address fill its fields."""
    farm, query = farm_of(request), request.query_params
    target = farm.target(report.target)
    sql, dialect = asked_run.own_sql(report, target)
    given = asked_run.values(query)
    with farm.store.read() as connection:
        latest = run_store.of_query(connection, report.id, limit=LATEST_RUNS)
        kept = run_store.of_query(connection, report.id, kept=True, limit=LATEST_RUNS)
    return {
        "run_report": report,
        "run_fields": asked_run.fields(sql, dialect, given),
        "run_chart": chart_choice.chosen(query),
        "run_key": token_urlsafe(18),
        "run_trouble": _trouble(target),
        "run_row_limit": farm.settings.row_limit,
        "run_timeout_seconds": farm.settings.run_timeout_seconds,
        "run_latest": latest,
        "run_kept": kept,
        "run_exports": export_links(report.id, asked_run.changed(sql, dialect, given)),
    }


def export_links(report_id: int, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the formats are called, and where each is."""
    query = f"?{urlencode(prefixed(values))}" if values else ""
    return [(one.title, f"/reports/{report_id}/export.{one.name}{query}") for one in FORMATS.values()]


def _trouble(target: Target) -> str | None:
    try:
        require_url(target)
    except TargetTrouble as trouble:
        return str(trouble)
    return None


def wanted_run(request: Request, given: Mapping[str, str]) -> Wanted:
    """The report of the path with these values; raises NotFound, BadInput or TargetTrouble."""
    farm = farm_of(request)
    report = farm.query(number(request))
    target = farm.target(report.target)
    require_url(target)
    sql, dialect = asked_run.own_sql(report, target)
    values = asked_run.changed(sql, dialect, given)
    return Wanted(
        report=report,
        target=target,
        values=values,
        sql=asked_run.bound(sql, dialect, values),
        own_sql=sql,
    )


def is_confirmed(request: Request, wanted: Wanted) -> bool:
    """Whether this version of the report has run on its target before."""
    with farm_of(request).store.read() as connection:
        return run_store.was_done(
            connection,
            query_id=wanted.report.id,
            version=wanted.report.version,
            target=wanted.target.name,
        )


async def start(request: Request) -> Response:
    """Run a report and wait a moment for the result; before its first run it has to be confirmed."""
    fields = {name: value for name, value in form(request).items() if isinstance(value, str)}
    chart = chart_choice.chosen(fields)
    wanted = await run_in_threadpool(wanted_run, request, asked_run.values(fields))
    if field(request, "confirmed") != "yes" and not await run_in_threadpool(is_confirmed, request, wanted):
        return see(f"/reports/{wanted.report.id}/run", **prefixed(wanted.values), **chart)
    if wanted.sql != wanted.own_sql:
        await require_sound(request, wanted.sql, wanted.target)
    return await run_in_threadpool(_begin, request, wanted, chart)


def _begin(request: Request, wanted: Wanted, chart: dict[str, str]) -> Response:
    runs = runs_of(request)
    run_id = once_of(request).run(
        _identity(request, wanted),
        lambda: runs.start(
            wanted.report,
            wanted.target,
            wanted.sql,
            parameters=wanted.values,
            started_by=visitor(request).name,
        ),
    )
    runs.wait(run_id, seconds=FIRST_WAIT_SECONDS)
    return see(f"/runs/{run_id}", **chart)


def _identity(request: Request, wanted: Wanted) -> str:
    """What tells a form that is sent twice from another one; "" without a key, as scripts send it."""
    if not (key := field(request, "form_key")):
        return ""
    said = (key, str(wanted.report.id), str(wanted.report.version), wanted.sql, visitor(request).name)
    return hashlib.sha256("\x1f".join(said).encode("utf-8", "replace")).hexdigest()


def confirm(request: Request) -> Response:
    """What is about to be run for the first time, and where."""
    query = request.query_params
    wanted = wanted_run(request, asked_run.values(query))
    settings = farm_of(request).settings
    return render(
        request,
        "run_confirm.html",
        wanted=wanted,
        form_key=token_urlsafe(18),
        hidden={**prefixed(wanted.values), **chart_choice.chosen(query)},
        row_limit=settings.row_limit,
        timeout_seconds=settings.run_timeout_seconds,
    )


def show(request: Request) -> Response:
    """A run: under way, failed, or its result as a table and a chart."""
    run = _visible(request)
    farm = farm_of(request)
    report = farm.query(run.query_id)
    columns, rows = run.columns or [], _rows(run)
    query = request.query_params
    sorting = Sorting.from_query(query.get("sort", ""), len(columns))
    chosen = chart_choice.chosen(query)
    wish = chosen or {name: str(value) for name, value in (run.chart or {}).items()}
    return render(
        request,
        "run.html",
        run=run,
        may_cancel=_may_cancel(visitor(request), run),
        report=report,
        dialect=report.original_dialect or report.dialect,
        table=table(columns, rows, sorting),
        sort=query.get("sort", "") if sorting.column is not None else "",
        chosen=chosen,
        permalink=_permalink(run, wish),
        exports=export_links(report.id, run.parameters) if run.version == report.version else [],
        **chart_choice.drawn(columns, rows, wish),
    )


def _require_drawable(run: Run, chart: Mapping[str, str]) -> None:
    if run.columns is not None:  # else there is nothing to keep
        chart_choice.require_drawable(run.columns, _rows(run), chart)


def _rows(run: Run) -> list[list[Any]]:
    return [[from_json(value) for value in row] for row in run.rows or []]


def _permalink(run: Run, chart: Mapping[str, str]) -> str:
    """The report with these values and this chart, to be run again."""
    query = urlencode({**prefixed(run.parameters), **chart})
    return f"/reports/{run.query_id}{f'?{query}' if query else ''}"


def state(request: Request) -> Response:
    """For a page that waits: nothing while the run is under way, then the word to load it anew."""
    run = _visible(request)
    if run.state == "running":
        return Response(status_code=204)
    return Response(status_code=200, headers={"hx-refresh": "true"})


def cancel(request: Request) -> Response:
    """Stop a run, here and in its database."""
    run_id, runs, who = number(request), runs_of(request), visitor(request)
    if not _may_cancel(who, runs.get(run_id)):
        raise HTTPException(403, "Somebody else started this run; they may cancel it, and so may operators.")
    if runs.cancel(run_id, by=who.name):
        runs.wait(run_id, seconds=FIRST_WAIT_SECONDS)
    return see(f"/runs/{run_id}")


def _may_cancel(who: Visitor, run: Run) -> bool:
    """Operators may cancel all runs, runners those of their name, which all with the runners' token share."""
    return who.may(Role.OPERATOR) or (who.may(Role.RUNNER) and run.started_by == who.name)


def keep(request: Request) -> Response:
    """Make the result a snapshot, with the chart that is shown; or let go of it."""
    run_id = number(request)
    wanted = field(request, "keep") != "no"
    chart = chart_choice.chosen(form(request))
    if chart:
        _require_drawable(runs_of(request).get(run_id), chart)
    with farm_of(request).store.write() as connection:
        if not run_store.keep(connection, run_id, kept=wanted):
            raise HTTPException(409, "There is no result left to keep; run the report again.")
        if chart:
            run_store.choose_chart(connection, run_id, chart)
        action = "keep" if wanted else "let go"
        actions.record(connection, actor=visitor(request).name, action=action, detail={"run": run_id})
    return see(f"/runs/{run_id}", **chart)


def _visible(request: Request) -> Run:
    """The run of the path; readers see what somebody has kept for them."""
    run = runs_of(request).get(number(request))
    if run.kept_at is None and not visitor(request).may(Role.RUNNER):
        raise HTTPException(
            403, "Only kept results are for readers; ask somebody who may run reports to keep this one."
        )
    return run


ROUTES = (
    page("/reports/{id}/runs", start, role=Role.RUNNER, methods=("POST",)),
    page("/reports/{id}/run", confirm, role=Role.RUNNER),
    page("/runs/{id}", show),
    page("/runs/{id}/state", state),
    page("/runs/{id}/cancel", cancel, role=Role.RUNNER, methods=("POST",)),
    page("/runs/{id}/keep", keep, role=Role.RUNNER, methods=("POST",)),
)
