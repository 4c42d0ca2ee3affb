"""DuckDB databases opened so that SQL can reach nothing but what is in them, and what their errors mean."""

import re
from pathlib import Path

import duckdb

from farm.errors import TargetTrouble

Connection = duckdb.DuckDBPyConnection

CHECK_MEMORY_MB = 256
RUN_MEMORY_MB = 400
CLOSED = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",
    "async_threads": "0",
}
"""No files but the database itself, none for sorting either, no extensions, no variables of this process.

Without the last one each database has eight threads more, whose stacks a checker has no room for.
"""
_LINE = re.compile(r"^LINE (\d+): (.*)$", re.MULTILINE)
_KIND = re.compile(r"^(?:\w+ )+Error: ")

BROKEN = (duckdb.FatalException, duckdb.InternalException)
"""Errors after which the connection is of no more use."""
EXHAUSTED = (duckdb.OutOfMemoryException, duckdb.InterruptException)
"""Errors of a query that wants too much."""
OWN_FAULT = (duckdb.IOException, duckdb.ConnectionException)
"""Errors that are no fault of the query."""


def open_memory(*, timeout_seconds: float) -> Connection:
    """An empty database in memory, not yet locked; a statement may take so long.

    Its optimizer is off, as that computes constants, however large; what is refused is refused before.
    """
    settings = {
        "memory_limit": f"{CHECK_MEMORY_MB}MB",
        "max_execution_time": f"{round(timeout_seconds * 1000)}",
    }
    connection = duckdb.connect(":memory:", config={**CLOSED, "threads": "1", **settings})
    connection.execute("SET enable_optimizer = false")
    return connection


def open_file(path: Path, *, target_name: str) -> Connection:
    """The file for reading, locked; raises TargetTrouble where there is none that can be read."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise TargetTrouble(
            f"the DuckDB file of target {target_name!r} {what}: {path}. "
            "Give the right one with `farm target add … --url duckdb:////absolute/path.db`"
        )
    settings = {"memory_limit": f"{RUN_MEMORY_MB}MB", "threads": "2", "lock_configuration": "true"}
    try:
        return duckdb.connect(str(path), read_only=True, config={**CLOSED, **settings})
    except duckdb.Error as error:
        raise TargetTrouble(
            f"the DuckDB file of target {target_name!r} cannot be opened for reading: {path}: "
            f"{message(error)}. Check its permissions; while another process writes to it, read a copy"
        ) from error


def kind_of(statement: duckdb.Statement) -> duckdb.StatementType | None:
    """The kind of a statement; None for one that the driver has no name for."""
    try:
        return statement.type
    except ValueError:
        return None


def message(error: Exception) -> str:
    """What DuckDB says, in one line and without the kind of error."""
    return _KIND.sub("", str(error).strip().partition("\n")[0]) or type(error).__name__


def words(error: Exception, sql: str, *, lines_before: int = 0) -> str:
    """The message, then `LINE n:` counted in `sql`, then `HINT:` with what DuckDB proposes."""
    said = [message(error)]
    text = str(error).strip()
    if (line := _LINE.search(text)) and int(line[1]) > lines_before:
        number = int(line[1]) - lines_before
        lines = sql.splitlines()
        said.append(f"LINE {number}: {lines[number - 1] if number <= len(lines) else line[2]}")
    if hint := " ".join(text.partition("\n")[2].partition("LINE ")[0].split()):
        said.append(f"HINT: {hint}")
    return "\n".join(said)
