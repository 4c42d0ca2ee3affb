"""A SQLite schema as DDL: read from a file's catalogue, loaded into an empty database."""

import re
import sqlite3
from collections.abc import Iterator

from farm.errors import TargetTrouble
from farm.targets.sqlite.guard import set_limits

COMMENTS = r"(?is)\s*(?:(?:--[^\n]*(?:\n|$)|/\*.*?\*/)\s*)*"
NO_SCHEMA = re.compile(
    COMMENTS + r"(?:(?:ANALYZE|BEGIN|COMMIT|DELETE|END|INSERT|PRAGMA)\b"
    r"|(?:REINDEX|REPLACE|ROLLBACK|UPDATE|VACUUM)\b|CREATE\s+(?:TABLE|(?:UNIQUE\s+)?INDEX)\s+[\"'`\[]?sqlite_|;|$)"
)
"""What a dump holds beside the schema: data, settings, SQLite's own tables, nothing at all."""
DISPENSABLE = re.compile(COMMENTS + r"CREATE\s+(?:UNIQUE\s+)?(?:INDEX|TRIGGER)\b")
OUTSIDE = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH}
LOAD_LIMIT_OPS = 50_000_000
"""Far more than thousands of CREATE statements take; ends a schema script that computes."""


def read_ddl(connection: sqlite3.Connection) -> str:
    """All CREATE statements in the order they were made, but for SQLite's own and inner tables."""
    try:
        shadows = {row[1] for row in connection.execute("PRAGMA table_list") if row[2] == "shadow"}
    except sqlite3.Error:
        shadows = set()
    catalogue = connection.execute(
        "SELECT sql, tbl_name FROM sqlite_master"
        " WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"
    )
    return "".join(f"{sql};\n" for sql, table in catalogue if table not in shadows)


def load_ddl(connection: sqlite3.Connection, ddl: str, *, target_name: str) -> None:
    """Run the CREATE statements, in whatever order works; raises TargetTrouble, quoting the one that fails.

    Only the schema is loaded, not the data of a dump. Indexes and triggers that cannot be made are left out:
    no query needs them. So are tables of a module that this SQLite lacks: queries hear "no such table".
    """
    set_limits(connection)
    connection.set_authorizer(
        lambda action, *_: sqlite3.SQLITE_DENY if action in OUTSIDE else sqlite3.SQLITE_OK
    )
    connection.set_progress_handler(lambda: 1, LOAD_LIMIT_OPS)
    waiting = [text for text in statements(ddl) if not NO_SCHEMA.match(text)]
    while waiting:
        failed = [(text, error) for text in waiting if (error := _run(connection, text))]
        if len(failed) == len(waiting):
            _raise_for(failed, target_name)
            break
        waiting = [text for text, _ in failed]
    connection.set_progress_handler(None, 0)
    connection.set_authorizer(None)


def statements(ddl: str) -> Iterator[str]:
    """The statements of a script, as SQLite itself divides it."""
    text = ""
    for part in re.split(r"(?<=;)", ddl):
        text += part
        if sqlite3.complete_statement(text):
            yield text
            text = ""
    if text.strip():
        yield text


def _within(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_DENY if action in OUTSIDE else sqlite3.SQLITE_OK


def _run(connection: sqlite3.Connection, statement: str) -> str | None:
    try:
        connection.execute(statement)
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        return str(error)
    return None


def _raise_for(failed: list[tuple[str, str]], target_name: str) -> None:
    for statement, error in failed:
        if DISPENSABLE.match(statement) or "no such module" in error:
            continue
        start = " ".join(statement.split())[:80]
        raise TargetTrouble(
            f"the schema of target {target_name!r} does not load into SQLite: {error}, in: {start} … "
            f"Mend the DDL and run `farm target add {target_name} --dialect sqlite --ddl FILE` again"
        )
