"""`farm target …`: the databases to write SQL for."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from farm.cli import sheet
from farm.cli.shared import Group, Json, add_command, console, opened, print_json, say, text_of
from farm.cli.sheet import Column
from farm.errors import BadInput
from farm.redaction import masked
from farm.targets.target import Target

app = typer.Typer(help="Databases to write SQL for: add, list, show, refresh.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The target's name.")]
COLUMNS = (
    Column("name"),
    Column("dialect", whole=True),
    Column("schema", whole=True),
    Column("database"),
)


def register(root: typer.Typer) -> None:
    """Add these commands to `farm`."""
    for command in (add, list_targets, show, refresh):
        add_command(app, None, command, name="list" if command is list_targets else None)
    root.add_typer(app, name="target", rich_help_panel=Group.ASK)


def add(
    name: Name,
    dialect: Annotated[str, typer.Option(help="sqlite, postgres, mysql (also MariaDB) or duckdb.")],
    url: Annotated[
        str | None,
        typer.Option(
            help="Its address, or - to read it from standard input, where no other user sees its password; "
            "kept in FARM_HOME/targets.toml, never in the store."
        ),
    ] = None,
    ddl: Annotated[
        Path | None, typer.Option(help="A file of CREATE TABLE statements, in place of a URL.")
    ] = None,
    notes: Annotated[
        Path | None, typer.Option(help="A text file with a glossary: what the business means by its words.")
    ] = None,
    evidence: Annotated[
        bool | None,
        typer.Option(
            help="Run accepted queries once, read-only and bounded, and keep a little of their results.",
            show_default="as before; at first not",
        ),
    ] = None,
) -> None:
    """Add a target, or bring the one of that name up to date.

    With --url the schema is read from the database, which is only ever read. With --ddl alone the farm knows
    the schema but cannot run queries.
    """
    if url == "-":
        url = _typed()
    given = None if ddl is None else text_of(ddl)
    glossary = "" if notes is None else text_of(notes)
    with opened() as farm:
        target = farm.add_target(name, dialect=dialect, url=url, ddl=given, notes=glossary, evidence=evidence)
    say(f"target {name}: {target.dialect}, schema {target.fingerprint}")


def list_targets(json: Json = False) -> None:
    """List all targets."""
    with opened() as farm:
        found = farm.targets()
    if json:
        for target in found:
            print_json(_row(target))
        return
    if not found:
        say("no targets yet; add one with `farm target add NAME --dialect … --url …`")
        return
    rows = [[target.name, target.dialect, target.fingerprint, _database(target)] for target in found]
    sheet.show(console, COLUMNS, rows)


def show(name: Name, json: Json = False) -> None:
    """Show a target's schema and notes, as models see them."""
    with opened() as farm:
        target = farm.target(name)
    if json:
        print_json({**_row(target), "ddl": target.ddl, "notes": target.notes})
        return
    database = escape(_database(target))
    parts = [target.dialect, f"schema {target.fingerprint}", database]
    parts += ["queries are run for evidence"] if target.evidence else []
    say(f"[bold]{target.name}[/] · {' · '.join(parts)}")
    say(f"\n{escape(target.ddl)}")
    if target.notes:
        say(f"\n{escape(target.notes)}")


def refresh(name: Name) -> None:
    """Read a target's schema again from its database."""
    with opened() as farm:
        before = farm.target(name)
        after = farm.refresh_target(name)
    changed = "has not changed" if before.fingerprint == after.fingerprint else f"is now {after.fingerprint}"
    say(f"target {name}: its schema {changed}")


def _typed() -> str:
    try:
        return sys.stdin.readline().strip()
    except UnicodeDecodeError:
        raise BadInput("standard input is no UTF-8 text; a URL is expected there") from None


def _database(target: Target) -> str:
    return masked(target.url) if target.url else "(DDL only)"


def _row(target: Target) -> dict[str, str | bool | None]:
    return {
        "name": target.name,
        "dialect": target.dialect,
        "fingerprint": target.fingerprint,
        "url": masked(target.url) if target.url else None,
        "evidence": target.evidence,
    }
