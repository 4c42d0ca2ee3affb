"""Loads a schema, from a script or a dump, into an empty Postgres database: as much of it as it takes."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import psycopg
from psycopg import errors, sql

from farm.errors import BadInput
from farm.sql.dialect import POSTGRES
from farm.sql.schema import Schema, Table
from farm.targets.postgres.session import Connection, words
from farm.targets.postgres.text import statements

LOAD_LIMIT_MS = 60_000
QUOTED_CHARS = 80
DUMP_DATA = re.compile(r"(?ims)^COPY [^;]+ FROM stdin;\n.*?^\\\.$|^\\[^\n]*$")
COMMENTS = r"(?is)(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
PATH = re.compile(COMMENTS + r"SET\s+(?:SESSION\s+|LOCAL\s+)?search_path\s*(?:TO|=)\s*(.+)$")
KINDS = r"(?:(?:OR|REPLACE|GLOBAL|LOCAL|TEMP|TEMPORARY|UNLOGGED|FOREIGN|MATERIALIZED|RECURSIVE|TRUSTED)\s+)*"
SCHEMA = re.compile(COMMENTS + r"(?:CREATE|ALTER|COMMENT)\b")
OUTSIDE = re.compile(
    COMMENTS
    + r"(?:CREATE|ALTER|COMMENT\s+ON)\s+(?:DATABASE|ROLE|USER|GROUP|SYSTEM|TABLESPACE|SUBSCRIPTION|SERVER)\b"
)
"""What is the server's, and would outlast the database."""
CONTAINER = re.compile(COMMENTS + r"CREATE\s+(?:SCHEMA|EXTENSION)\b")
NAMED = re.compile(COMMENTS + rf"CREATE\s+{KINDS}(?:TABLE|VIEW|TYPE|DOMAIN)\b")
"""What a query can name; of the rest most (indexes, owners, comments) may fail."""
TABLE = re.compile(COMMENTS + rf"CREATE\s+{KINDS}TABLE\b")
CHANGED = re.compile(
    COMMENTS + r"ALTER\s+TABLE\b(?!.*\b(?:FOREIGN\s+KEY|OWNER\s+TO|SET\s+DEFAULT|TABLESPACE|TRIGGER|POLICY|"
    r"SECURITY|CLUSTER|REPLICA|STATISTICS|STORAGE|INHERIT)\b)"
)
"""May add columns or the keys that grouping relies on."""
CALLED = re.compile(COMMENTS + rf"CREATE\s+{KINDS}(?:EXTENSION|FUNCTION|AGGREGATE|OPERATOR|CAST|COLLATION)\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A statement that could not be run: its start, and what Postgres says, in one line.

    `is_named`: it makes a table, view or type. `is_structural`: without it all that the database says of a
    query is in doubt; otherwise only what it says of functions and the like.
    """

    statement: str
    said: str
    is_named: bool
    is_structural: bool

    @property
    def reason(self) -> str:
        return f"{self.said}, in: {self.statement} …"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Order:
    """A statement to run, the search path (SQL) that the script has set before it, and what it is in the
    script, where it was made plainer."""

    text: str
    search_path: str | None
    written: str | None = None


def load(connection: Connection, ddl: str, *, own_database: bool) -> tuple[Failure, ...]:
    """Run the CREATE and ALTER statements of a script or a dump, in whatever order works.

    A table that cannot be made as it is written is made without its defaults, checks and references, which no
    query depends on.
    Returns those that failed although queries may depend on them. `own_database`: the schemas and extensions
    that the script names may be made, and its search paths are kept.
    """
    waiting = list(_orders(ddl, own_database))
    connection.execute(f"SET statement_timeout = {LOAD_LIMIT_MS}".encode())
    failed: list[tuple[_Order, str]] = []
    while waiting:
        failed = [(order, said) for order in waiting if (said := _run(connection, order, own_database))]
        stuck = len(failed) == len(waiting)
        waiting = [_plain(order) or order if stuck else order for order, _ in failed]
        if stuck and all(order is before for order, (before, _) in zip(waiting, failed, strict=True)):
            break
    connection.execute("RESET statement_timeout")
    return tuple(
        failure for order, said in failed if (failure := _failure(order.written or order.text, said))
    )


def _orders(ddl: str, own_database: bool) -> Iterator[_Order]:
    search_path = None
    for text in statements(DUMP_DATA.sub("", ddl)):
        if own_database and (found := PATH.match(text)):
            search_path = found[1]
        elif not SCHEMA.match(text) or OUTSIDE.match(text):
            continue
        elif own_database or not CONTAINER.match(text):
            yield _Order(text=text, search_path=search_path)


def _run(connection: Connection, order: _Order, own_database: bool) -> str | None:
    try:
        if order.search_path:
            connection.execute(f"SET search_path = {order.search_path}".encode())
        connection.execute(order.text.encode())
    except errors.InvalidSchemaName as error:
        missing = re.search(r'"(.+)"', error.diag.message_primary or "")
        if own_database and missing and not CONTAINER.match(order.text):
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(missing[1])))
            return _run(connection, order, own_database)
        return words(error, order.text, prefix="")
    except psycopg.Error as error:
        return words(error, order.text, prefix="")
    return None


def _plain(order: _Order) -> _Order | None:
    """A table with nothing but its columns, their types and its key; None for all else, or if it is plain."""
    if order.written is not None or not TABLE.match(order.text):
        return None
    try:
        tables = list(Schema.from_ddl(order.text, "postgres").tables.values())
    except BadInput:
        return None
    if len(tables) != 1 or not tables[0].columns:
        return None
    return replace(order, text=_create(tables[0]), written=order.text)


def _create(table: Table) -> str:
    columns = [f"{_quoted(name)} {table.types[folded]}" for folded, name in (table.columns or {}).items()]
    key = [_quoted(name) for folded, name in (table.columns or {}).items() if folded in table.primary_key]
    parts = [*columns, *([f"PRIMARY KEY ({', '.join(key)})"] if key else [])]
    home = "" if table.schema == POSTGRES.default_schema else f"{_quoted(table.schema)}."
    return f"CREATE TABLE {home}{_quoted(table.name)} ({', '.join(parts)})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _failure(statement: str, said: str) -> Failure | None:
    """None for what no query depends on."""
    is_named = bool(NAMED.match(statement))
    is_structural = is_named or bool(CHANGED.match(statement))
    if not is_structural and not CALLED.match(statement):
        return None
    return Failure(
        statement=" ".join(statement.split())[:QUOTED_CHARS],
        said=said.splitlines()[0],
        is_named=is_named,
        is_structural=is_structural,
    )
