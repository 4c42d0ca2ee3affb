"""`farm check`: queries held against the checks that a model's answers meet."""

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from farm.api import Farm
from farm.cli.shared import Exit, Group, Json, add_command, opened, print_json, say, text_of
from farm.errors import BadInput
from farm.sql.verdict import Finding, Verdict
from farm.targets.describing import require_dialect
from farm.targets.target import Target

if TYPE_CHECKING:
    from farm.checking import Query

JSONL = {".jsonl", ".ndjson", ".json"}


def register(root: typer.Typer) -> None:
    """Add this command to `farm`."""
    add_command(root, Group.ASK, check)


def check(
    file: Annotated[str, typer.Argument(help="A file with one query, or JSONL; - for standard input.")],
    target: Annotated[str | None, typer.Option(help="For queries that name no target of their own.")] = None,
    ddl: Annotated[
        Path | None, typer.Option(help="A file of CREATE TABLE statements, in place of a target.")
    ] = None,
    dialect: Annotated[
        str | None, typer.Option(help="That of --ddl: sqlite, postgres, mysql or duckdb.")
    ] = None,
    no_dry_run: Annotated[bool, typer.Option("--no-dry-run", help="Ask no database.")] = False,
    json: Json = False,
) -> None:
    """Check queries as the farm checks a model's: nothing is run.

    FILE holds one query, or JSONL with one {"sql", "target"} or {"sql", "ddl", "dialect"} a line. Exit code 0
    if all are accepted, 1 if some are not, 2 if the input cannot be read.
    """
    from farm.checker.engines import Scratch
    from farm.checking import check_all

    with opened() as farm:
        queries = list(_queries(farm, file, target, _given(ddl, dialect)))

        async def run() -> bool:
            verdicts = check_all(
                queries,
                dry_run=not no_dry_run,
                timeout_seconds=farm.settings.check_timeout_seconds,
                scratch=Scratch.of(farm.settings),
            )
            accepted, number = True, 0
            async for verdict in verdicts:
                number += 1
                accepted &= verdict.accepted
                print_json(_row(verdict)) if json else _say(verdict, number, len(queries))
            return accepted

        if not asyncio.run(run()):
            raise typer.Exit(Exit.PARTLY)


def _given(ddl: Path | None, dialect: str | None) -> Target | None:
    """The target that the options describe."""
    from farm.checking import given

    if ddl is None and dialect is None:
        return None
    if ddl is None or dialect is None:
        raise BadInput("--ddl and --dialect go together: a file of CREATE TABLE statements, and its dialect")
    require_dialect(dialect)
    text = text_of(ddl)
    if not text.strip():
        raise BadInput(f"{ddl} is empty; give CREATE TABLE statements")
    return given(text, dialect)


def _queries(farm: Farm, file: str, default: str | None, described: Target | None) -> Iterator["Query"]:
    from farm.checking import Query, read_queries

    found: dict[str, Target] = {}

    def find(name: str | None) -> Target:
        name = name or default
        if name is None and described is not None:
            return described
        if name is None:
            raise BadInput("which target is it for? Name one with --target, or in each line, or give --ddl")
        return found.setdefault(name, found.get(name) or farm.target(name))

    text = text_of(file)
    if Path(file).suffix.lower() in JSONL or text.lstrip().startswith("{"):
        yield from read_queries(text.split("\n"), find)
    elif text.strip():
        yield Query(sql=text, target=find(None))
    else:
        raise BadInput(f"{file} holds no query")


def _row(verdict: Verdict) -> dict[str, Any]:
    """A verdict as one line of JSON: `dry_run` is the engine's name, `engine` tells its version too."""
    name = verdict.dry_run and verdict.dry_run.partition(" ")[0]
    return {**verdict.to_dict(), "dry_run": name, "engine": verdict.dry_run}


def _say(verdict: Verdict, number: int, of: int) -> None:
    which = f" {number}" if of > 1 else ""
    how = f"prepared by {verdict.dry_run}" if verdict.dry_run else "checked without a database"
    mark = "[green]ok[/]  " if verdict.accepted else "[bold red]FAIL[/]"
    say(f"{mark}{which} {how}, {verdict.elapsed_ms:.1f} ms")
    for line in _told(verdict.findings):
        say(f"     {escape(line)}")


def _told(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        place = f"{finding.line}:{finding.column} " if finding.line is not None else ""
        nearest = f" (nearest: {', '.join(finding.nearest)})" if finding.nearest else ""
        yield f"{place}{finding.severity} {finding.code}: {finding.message}{nearest}"
        if finding.hint:
            yield f"  {finding.hint}"
