"""`farm status`, `queries`, `show`, `run`, `export`: seeing what is there."""

import csv
import json as json_format
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table

from farm.cli.shared import Group, Json, console, note, opened, plain, print_json, usd
from farm.errors import BadInput
from farm.health.status import status as current_status
from farm.sql.format import pretty
from farm.store.reports import Attempt, Report
from farm.store.results import TaskResult
from farm.targets.engine import Result

QueryId = Annotated[int, typer.Argument(help="The query's number, from `farm queries`.")]
Target = Annotated[str | None, typer.Option(help="Only queries for this target.")]
CELL_CHARS = 60


def register(root: typer.Typer) -> None:
    """Add these commands to `farm`."""
    for command in (status, queries, show, run, export):
        root.command(rich_help_panel=Group.LOOK)(command)


def status(json: Json = False) -> None:
    """Show how many tasks stand where, the queues, the living workers, and what was spent."""
    with opened() as farm:
        now = current_status(farm)
    if json:
        print_json(now)
        return
    console.print("  ".join(f"{state} [bold]{count:,}[/]" for state, count in now["tasks"].items()))
    console.print(f"{now['calls']:,} model calls, {now['tokens']:,} tokens {usd(now['cost_usd'])}".rstrip())
    table = Table("queue", "waiting", "oldest", "state")
    for queue in now["queues"]:
        oldest = "" if queue["oldest_seconds"] is None else f"{queue['oldest_seconds']:,.0f} s"
        table.add_row(queue["name"], f"{queue['depth']:,}", oldest, "paused" if queue["paused"] else "runs")
    console.print(table)
    if not now["workers"]:
        console.print("no worker is alive; start some with `farm up`")
        return
    table = Table("worker", "host", "pid", "state", "in flight", "done", "heartbeat", "restarts", "last end")
    for worker in now["workers"]:
        table.add_row(
            worker["name"],
            worker["host"],
            str(worker["pid"]),
            worker["state"],
            str(worker["in_flight"]),
            f"{worker['tasks_done']:,}",
            f"{worker['heartbeat_age_seconds']:.0f} s ago",
            str(worker["restarts"]),
            escape(worker["last_end_reason"] or ""),
        )
    console.print(table)


def queries(
    search: Annotated[
        str | None, typer.Argument(help="Words that the question or the SQL must hold.")
    ] = None,
    target: Target = None,
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1)] = 20,
    json: Json = False,
) -> None:
    """List and search accepted queries."""
    with opened() as farm:
        found = list(farm.queries(search, target=target, limit=limit))
    if json:
        for report in found:
            print_json(report)
        return
    if not found:
        console.print("no accepted query matches" if search or target else "nothing was accepted yet")
        return
    table = Table("id", "target", "question", "model", "when")
    for report in found:
        when = report.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
        table.add_row(str(report.id), report.target, escape(report.question), report.model, when)
    console.print(table)
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
    if json:
        print_json({"task": result, "query": report, "attempts": [_attempt(attempt) for attempt in attempts]})
        return
    console.print(f"[bold]{escape(result.question)}[/]")
    console.print(_provenance(result, report), highlight=False)
    if report is not None:
        console.print(Syntax(pretty(report.sql, report.dialect), "sql", background_color="default"))
    elif result.reason:
        console.print(f"[red]{result.reason_code}[/]: {escape(result.reason)}")
    for attempt in attempts:
        _print_attempt(attempt)


def run(
    id: QueryId,
    rows: Annotated[int | None, typer.Option(help="Fetch at most so many rows.", min=1)] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds to let it run.", min=0.1)] = None,
    json: Json = False,
) -> None:
    """Run an accepted query, read-only, against its target."""
    with opened() as farm:
        report = farm.query(id)
        result = farm.run(id, row_limit=rows, timeout_seconds=timeout)
    if json:
        print_json({"columns": result.columns, "rows": result.rows, "truncated": result.truncated})
        return
    console.print(f"[bold]{escape(report.question)}[/]")
    console.print(table_of(result))
    more = (
        f"the first {len(result.rows):,} rows of more" if result.truncated else f"{len(result.rows):,} rows"
    )
    note(f"{more}, {result.elapsed_ms:,.0f} ms")


def export(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; standard output if none.")
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="csv or jsonl; from the file's name if not given.")
    ] = None,
    search: Annotated[str | None, typer.Option(help="Words that the question or the SQL must hold.")] = None,
    target: Target = None,
) -> None:
    """Write accepted queries as CSV or JSONL: question, target, SQL and where it came from."""
    chosen = format or (output.suffix.removeprefix(".") if output else "jsonl")
    if chosen not in ("csv", "jsonl"):
        raise BadInput(f"there is no format {chosen!r}; use csv or jsonl")
    with opened() as farm, _writing(output) as stream:
        write = _write_csv if chosen == "csv" else _write_jsonl
        count = write(stream, farm.queries(search, target=target))
    note(f"{count:,} queries written" + (f" to {output}" if output else ""))


def table_of(result: Result) -> Table:
    """A result as a table, numbers to the right, long text cut."""
    table = Table()
    for place, column in enumerate(result.columns):
        numeric = all(isinstance(row[place], int | float | None) for row in result.rows)
        table.add_column(escape(column), justify="right" if numeric else "left")
    for row in result.rows:
        table.add_row(*(_cell(value) for value in row))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return "[dim]null[/]"
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    text = " ".join(str(value).split())
    return escape(text if len(text) <= CELL_CHARS else text[: CELL_CHARS - 1] + "…")


def _provenance(result: TaskResult, report: Report | None) -> str:
    parts = [f"task {result.task_id}", result.state.value, f"target {result.target}"]
    if report is not None:
        parts = [f"query {report.id}", *parts, report.model, f"prompt {report.prompt_version}"]
        parts += [f"schema {report.schema_fingerprint}", f"dry run {report.dry_run or 'none'}"]
    tokens = result.prompt_tokens + result.completion_tokens
    parts += [f"{result.calls} calls", f"{tokens:,} tokens", usd(result.cost_usd)]
    return " · ".join(part for part in parts if part)


def _print_attempt(attempt: Attempt) -> None:
    console.print(
        f"\ncall {attempt.call_no}: {attempt.model}, {attempt.latency_ms:,.0f} ms, "
        f"{attempt.prompt_tokens:,} + {attempt.completion_tokens:,} tokens, {attempt.finish_reason}"
    )
    for sql, verdict in attempt.candidates:
        console.print(f"  {'accepted' if verdict.accepted else 'refused'}: {escape(' '.join(sql.split()))}")
        for finding in verdict.findings:
            place = f" (line {finding.line}, column {finding.column})" if finding.line else ""
            console.print(f"    {finding.code}: {escape(finding.message)}{place}")


def _attempt(attempt: Attempt) -> dict[str, Any]:
    candidates = [{"sql": sql, "verdict": verdict.to_dict()} for sql, verdict in attempt.candidates]
    return {**asdict(attempt), "candidates": candidates}


@contextmanager
def _writing(output: Path | None) -> Iterator[IO[str]]:
    """The output stream; a file appears only when it is complete."""
    if output is None:
        yield sys.stdout
        return
    unfinished = output.with_name(f".{output.name}.part")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        unfinished.replace(output)
    except OSError as error:
        raise BadInput(f"{output} cannot be written ({error.strerror})") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _write_csv(stream: IO[str], reports: Iterable[Report]) -> int:
    writer = csv.DictWriter(stream, fieldnames=Report.__slots__)  # type: ignore[attr-defined]
    writer.writeheader()
    return sum(1 for report in reports if writer.writerow(plain(report)) is not None)


def _write_jsonl(stream: IO[str], reports: Iterable[Report]) -> int:
    return sum(1 for report in reports if stream.write(_json_line(report)))


def _json_line(report: Report) -> str:
    return json_format.dumps(plain(report), ensure_ascii=False) + "\n"
