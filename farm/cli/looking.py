"""`farm queries`, `farm show`, `farm run`: the queries that were accepted, closely."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.syntax import Syntax

from farm.cli import sheet
from farm.cli.harmless import harmless_lines
from farm.cli.shared import (
    MOST_ID,
    Group,
    Json,
    add_command,
    console,
    counted,
    note,
    opened,
    print_json,
    say,
    usd,
)
from farm.cli.sheet import Column
from farm.sql.evidence import Evidence
from farm.sql.lineage import Lineage
from farm.store.reports import Attempt, Report
from farm.store.results import TaskResult
from farm.targets.engine import Result

QueryId = Annotated[int, typer.Argument(help="The query's number, from `farm queries`.", max=MOST_ID)]
QUERY_COLUMNS = (
    Column("id", right=True, whole=True),
    Column("target"),
    Column("question"),
    Column("model"),
    Column("when", whole=True),
    Column("same as", right=True, whole=True),
)
TableName = Annotated[str | None, typer.Option(help="Only queries that read this table or view.")]
ColumnOf = Annotated[
    str | None, typer.Option(help="Only queries that read this column: total, or orders.total.")
]
Unique = Annotated[
    bool, typer.Option("--unique", help="Of queries that differ in spelling alone only the first.")
]
CELL_CHARS = 60
DAY_SECONDS = 24 * 3600


def register(root: typer.Typer) -> None:
    """Add these commands to `farm`."""
    for command in (queries, show, run):
        add_command(root, Group.LOOK, command)


def queries(
    search: Annotated[
        str | None, typer.Argument(help="Words that the question or the SQL must hold.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Only queries for this target.")] = None,
    table: TableName = None,
    column: ColumnOf = None,
    unique: Unique = False,
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1, max=MOST_ID)] = 20,
    json: Json = False,
) -> None:
    """List and search accepted queries."""
    with opened() as farm:
        found = list(
            farm.queries(search, target=target, table=table, column=column, unique=unique, limit=limit)
        )
    if json:
        for report in found:
            print_json(report)
        return
    if not found:
        narrowed = search or target or table or column
        say("no accepted query matches" if narrowed else "nothing was accepted yet")
        return
    sheet.show(console, QUERY_COLUMNS, [_query(report) for report in found])
    note("`farm show ID` prints one, `farm run ID` runs it")


def show(
    id: QueryId,
    task: Annotated[bool, typer.Option("--task", help="The number is a task's, accepted or not.")] = False,
    json: Json = False,
) -> None:
    """Show one query with where it came from; with --task also why a task was rejected."""
    with opened() as farm:
        result = farm.task(id if task else farm.query(id).task_id)
        report = farm.query(result.query_id) if result.query_id is not None else None
        attempts = farm.attempts(result.task_id)
    from farm.sql.format import pretty

    if json:
        print_json({"task": result, "query": report, "attempts": [_attempt(attempt) for attempt in attempts]})
        return
    say(f"[bold]{escape(result.question)}[/]")
    say(escape(_provenance(result, report)))
    if report is not None:
        _print_sql(pretty(report.sql, report.dialect))
        if report.original_sql is not None and report.original_dialect is not None:
            say(f"\nwritten by the model for {report.original_dialect}:")
            _print_sql(pretty(report.original_sql, report.original_dialect))
        _print_lineage(report.lineage)
    elif result.reason:
        say(f"[red]{result.reason_code}[/]: {escape(result.reason)}")
    for attempt in attempts:
        _print_attempt(attempt)


def run(
    id: QueryId,
    rows: Annotated[int | None, typer.Option(help="Fetch at most so many rows.", min=1)] = None,
    timeout: Annotated[
        float | None, typer.Option(help="Seconds to let it run.", min=0.1, max=DAY_SECONDS)
    ] = None,
    json: Json = False,
) -> None:
    """Run an accepted query, read-only, against its target."""
    with opened() as farm:
        report = farm.query(id)
        result = farm.run(id, row_limit=rows, timeout_seconds=timeout)
    if json:
        print_json({"columns": result.columns, "rows": result.rows, "truncated": result.truncated})
        return
    note(report.question)
    sheet.show(console, *_table(result, whole=not console.is_terminal))
    more = "the first {} of more" if result.truncated else "{}"
    note(f"{more.format(counted(len(result.rows), 'row'))}, {result.elapsed_ms:,.0f} ms")


def _query(report: Report) -> list[str]:
    when = report.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
    same_as = str(report.same_as or "")
    return [str(report.id), report.target, report.question, report.model, when, same_as]


def _table(result: Result, *, whole: bool) -> tuple[list[Column], list[list[str]]]:
    """A result as columns and cells; numbers to the right, long text cut unless `whole`."""
    columns = [
        Column(name, right=all(isinstance(row[place], int | float | None) for row in result.rows))
        for place, name in enumerate(result.columns)
    ]
    return columns, [[_value(value) if whole else _cell(value) for value in row] for row in result.rows]


def _value(value: Any) -> str:
    return "" if value is None else str(value)


def _cell(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    text = " ".join(str(value).split())
    return text if len(text) <= CELL_CHARS else text[: CELL_CHARS - 1] + "…"


def _provenance(result: TaskResult, report: Report | None) -> str:
    parts = [f"task {result.task_id}", result.state.value, f"target {result.target}"]
    if report is not None:
        parts = [f"query {report.id}", *parts, report.model, f"prompt {report.prompt_version}"]
        parts += [f"schema {report.schema_fingerprint}", f"dry run {report.dry_run or 'none'}"]
        parts += [f"in {report.dialect}"] if report.original_sql is not None else []
        parts += [f"the same as query {report.same_as}"] if report.same_as is not None else []
    tokens = result.prompt_tokens + result.completion_tokens
    parts += [counted(result.calls, "call"), counted(tokens, "token"), usd(result.cost_usd)]
    return " · ".join(part for part in parts if part)


def _print_sql(sql: str) -> None:
    """In colours on a terminal; elsewhere nothing but its text, never broken."""
    sql = harmless_lines(sql)
    if console.is_terminal:
        console.print(Syntax(sql, "sql", background_color="default", word_wrap=True))
    else:
        console.file.write(f"\n{sql}\n")


def _print_lineage(lineage: Lineage | None) -> None:
    """What the query reads, one line for each kind of thing."""
    if lineage is None:
        return
    say("")
    for name in ("tables", "columns", "joins", "filters", "functions"):
        if found := getattr(lineage, name):
            say(f"{name}: {escape(', '.join(map(str, found)))}")


def _print_attempt(attempt: Attempt) -> None:
    say(
        f"\ncall {attempt.call_no}: {escape(attempt.model)}, {attempt.latency_ms:,.0f} ms, "
        f"{attempt.prompt_tokens:,} + {attempt.completion_tokens:,} tokens, {attempt.finish_reason}"
    )
    for sql, verdict in attempt.candidates:
        colour, word = ("green", "accepted") if verdict.accepted else ("red", "refused")
        shown = " ".join(sql.split()) or "(no SQL)"
        say(f"  [{colour}]{word}[/]: {escape(shown)}")
        for finding in verdict.findings:
            place = f" (line {finding.line}, column {finding.column})" if finding.line else ""
            say(f"    {finding.code}: {escape(finding.message)}{place}")
        if verdict.evidence is not None:
            _print_evidence(verdict.evidence)


def _print_evidence(found: Evidence) -> None:
    """What running it on the target showed: how many rows, and the first of them."""
    least = "at least " if found.more else ""
    say(f"    run: {least}{counted(found.rows, 'row')}, {found.elapsed_ms:,.0f} ms")
    columns = [
        Column(name, right=all(isinstance(row[place], int | float | None) for row in found.sample))
        for place, name in enumerate(found.columns)
    ]
    if found.sample:
        sheet.show(console, columns, [[_cell(value) for value in row] for row in found.sample])


def _attempt(attempt: Attempt) -> dict[str, Any]:
    candidates = [{"sql": sql, "verdict": verdict.to_dict()} for sql, verdict in attempt.candidates]
    return {**asdict(attempt), "candidates": candidates}
