"""`farm export`: accepted queries as a file for other tools."""

import csv
import json
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from farm.cli import shared
from farm.cli.looking import ColumnOf, TableName, Unique
from farm.cli.shared import Group, add_command, counted, json_line, note, opened, plain
from farm.errors import BadInput
from farm.store.reports import Report


def register(root: typer.Typer) -> None:
    """Add this command to `farm`."""
    add_command(root, Group.LOOK, export)


def export(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; standard output if none.")
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="csv or jsonl; from the file's name if not given.")
    ] = None,
    search: Annotated[str | None, typer.Option(help="Words that the question or the SQL must hold.")] = None,
    target: Annotated[str | None, typer.Option(help="Only queries for this target.")] = None,
    table: TableName = None,
    column: ColumnOf = None,
    unique: Unique = False,
) -> None:
    """Write accepted queries as CSV or JSONL: question, target, SQL and where it came from."""
    chosen = format or (output.suffix.removeprefix(".") if output else "jsonl")
    if chosen not in ("csv", "jsonl"):
        raise BadInput(f"there is no format {chosen!r}; use csv or jsonl")
    with opened() as farm, shared.output(output) as stream:
        write = _write_csv if chosen == "csv" else _write_jsonl
        found = farm.queries(search, target=target, table=table, column=column, unique=unique)
        count = write(stream, found)
    note(f"{counted(count, 'query')} written" + (f" to {output}" if output else ""))


def _write_csv(stream: IO[str], reports: Iterable[Report]) -> int:
    writer = csv.writer(stream)
    names = [field.name for field in fields(Report)]
    writer.writerow(names)
    count = 0
    for report in reports:
        row = plain(report)
        writer.writerow(_cell(row[name]) for name in names)
        count += 1
    return count


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def _write_jsonl(stream: IO[str], reports: Iterable[Report]) -> int:
    count = 0
    for report in reports:
        stream.write(json_line(report))
        count += 1
    return count
