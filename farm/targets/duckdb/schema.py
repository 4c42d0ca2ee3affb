"""A DuckDB schema as DDL: read from a file's catalogue, loaded into an empty database in memory.

Defaults, sequences, macros and indexes are left out, and views that reports may not read. A view that calls a
macro comes as a table with its columns.
"""

import re
from collections import defaultdict
from collections.abc import Iterator

import duckdb
from duckdb import StatementType

from farm.errors import TargetTrouble
from farm.sql.dialect import DUCKDB
from farm.targets.duckdb.policy import body_of, parsed, read_policy
from farm.targets.duckdb.session import Connection, kind_of, message

TABLES = """
    SELECT schema_name, table_name, comment FROM duckdb_tables() WHERE NOT internal AND NOT temporary
    ORDER BY table_oid
"""
VIEWS = """
    SELECT schema_name, view_name, comment, sql FROM duckdb_views() WHERE NOT internal AND NOT temporary
    ORDER BY view_oid
"""
COLUMNS = """
    SELECT schema_name, table_name, column_name, data_type, is_nullable, comment
    FROM duckdb_columns() WHERE NOT internal ORDER BY table_oid, column_index
"""
CONSTRAINTS = """
    SELECT schema_name, table_name, constraint_text FROM duckdb_constraints()
    WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY', 'CHECK')
    ORDER BY table_oid, constraint_index
"""
TYPES = """
    SELECT schema_name, type_name, labels FROM duckdb_types()
    WHERE NOT internal AND logical_type = 'ENUM' ORDER BY type_oid
"""
KEYWORDS = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'"
PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

MAKES_SCHEMA = {StatementType.CREATE, StatementType.ALTER}
DISPENSABLE = re.compile(r"(?is)\s*(?:ALTER\b|CREATE\s+(?:UNIQUE\s+)?(?:INDEX|TRIGGER)\b)")

Name = tuple[str, str]
"""Schema and table, as stored."""


class Names:
    """Spells names as this version of DuckDB needs it."""

    def __init__(self, connection: Connection) -> None:
        self._keywords = {word.lower() for (word,) in connection.execute(KEYWORDS).fetchall()}

    def quoted(self, name: str) -> str:
        if PLAIN_NAME.fullmatch(name) and name.lower() not in self._keywords:
            return name
        return '"' + name.replace('"', '""') + '"'

    def qualified(self, name: Name) -> str:
        schema, table = name
        here = self.quoted(table)
        return here if schema == DUCKDB.default_schema else f"{self.quoted(schema)}.{here}"


def read_ddl(connection: Connection) -> str:
    """CREATE SCHEMA, types, tables and views, each in the order in which they were made."""
    names = Names(connection)
    columns: dict[Name, list[tuple[str, str, str | None]]] = defaultdict(list)
    for schema, table, column, type_, nullable, comment in connection.execute(COLUMNS).fetchall():
        text = f"{names.quoted(column)} {type_}{'' if nullable else ' NOT NULL'}"
        columns[schema, table].append((column, text, comment))
    keys: dict[Name, list[str]] = defaultdict(list)
    for schema, table, text in connection.execute(CONSTRAINTS).fetchall():
        keys[schema, table].append(text)
    tables = [
        _create_table(names.qualified((schema, table)), comment, columns[schema, table], keys[schema, table])
        for schema, table, comment in connection.execute(TABLES).fetchall()
    ]
    parts = [*_types(connection, names), *tables, *_views(connection, names, columns)]
    schemas = {schema for schema, _ in columns} - {DUCKDB.default_schema}
    return "\n".join(
        [*(f"CREATE SCHEMA IF NOT EXISTS {names.quoted(schema)};\n" for schema in sorted(schemas)), *parts]
    )


def _types(connection: Connection, names: Names) -> Iterator[str]:
    for schema, name, labels in connection.execute(TYPES).fetchall():
        listed = ", ".join("'" + label.replace("'", "''") + "'" for label in labels)
        yield f"CREATE TYPE {names.qualified((schema, name))} AS ENUM ({listed});\n"


def _views(
    connection: Connection, names: Names, columns: dict[Name, list[tuple[str, str, str | None]]]
) -> Iterator[str]:
    policy = read_policy(connection)
    for schema, view, comment, sql in connection.execute(VIEWS).fetchall():
        here = columns[schema, view]
        if view.lower() in policy.trapped or not here:
            continue
        if parsed(connection, body_of(sql)).functions & policy.macros:
            yield _create_table(names.qualified((schema, view)), comment, here, [])
            continue
        listed = ", ".join(names.quoted(column) for column, _, _ in here)
        heading = f"{_remark('', comment)}\n" if comment else ""
        yield f"{heading}CREATE VIEW {names.qualified((schema, view))} ({listed}) AS\n{body_of(sql)};\n"


def _create_table(
    name: str, comment: str | None, columns: list[tuple[str, str, str | None]], keys: list[str]
) -> str:
    lines = [(f"    {text}", remark) for _, text, remark in columns] + [(f"    {key}", None) for key in keys]
    body = "\n".join(
        f"{text}{',' if number < len(lines) else ''}{_remark('  ', remark)}"
        for number, (text, remark) in enumerate(lines, 1)
    )
    heading = f"{_remark('', comment)}\n" if comment else ""
    return f"{heading}CREATE TABLE {name} (\n{body}\n);\n"


def _remark(before: str, comment: str | None) -> str:
    return f"{before}-- {' '.join(comment.split())}" if comment else ""


def load_ddl(connection: Connection, ddl: str, *, target_name: str) -> None:
    """Run the CREATE statements, in whatever order works; raises TargetTrouble, quoting the one that fails.

    Only the schema is loaded, not the data of a dump. Indexes and changes that cannot be made are left out.
    """
    try:
        statements = connection.extract_statements(ddl)
    except duckdb.Error as error:
        raise _unfit(target_name, message(error)) from error
    waiting = [statement.query for statement in statements if kind_of(statement) in MAKES_SCHEMA]
    while waiting:
        failed = [(text, said) for text in waiting if (said := _run(connection, text))]
        if len(failed) == len(waiting):
            for statement, said in failed:
                if not DISPENSABLE.match(statement):
                    raise _unfit(target_name, f"{said}, in: {' '.join(statement.split())[:80]} …")
            return
        waiting = [text for text, _ in failed]


def _run(connection: Connection, statement: str) -> str | None:
    try:
        connection.execute(statement)
    except duckdb.Error as error:
        return message(error)
    return None


def _unfit(target_name: str, said: str) -> TargetTrouble:
    return TargetTrouble(
        f"the schema of target {target_name!r} does not load into DuckDB: {said}. "
        f"Mend the DDL and run `farm target add {target_name} --dialect duckdb --ddl FILE` again"
    )
