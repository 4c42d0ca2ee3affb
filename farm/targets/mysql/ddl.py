"""A MySQL or MariaDB schema as readable DDL, from information_schema: what a reader may select from.

Defaults, indexes that are no keys, and what the user may not select are left out.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from farm.sql.dialect import MYSQL
from farm.targets.mysql.session import Connection, rows_of
from farm.targets.mysql.text import Modes, tokens

RELATIONS = """
    SELECT t.TABLE_NAME, t.TABLE_COMMENT, v.VIEW_DEFINITION, t.TABLE_TYPE = 'VIEW'
    FROM information_schema.TABLES t
    LEFT JOIN information_schema.VIEWS v ON v.TABLE_SCHEMA = t.TABLE_SCHEMA AND v.TABLE_NAME = t.TABLE_NAME
    WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW')
    ORDER BY t.TABLE_NAME
"""
COLUMNS = """
    SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_COMMENT
    FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND FIND_IN_SET('select', PRIVILEGES) > 0
    ORDER BY TABLE_NAME, ORDINAL_POSITION
"""
KEYS = """
    SELECT c.TABLE_NAME, c.CONSTRAINT_NAME, c.CONSTRAINT_TYPE, k.COLUMN_NAME,
           k.REFERENCED_TABLE_NAME, k.REFERENCED_COLUMN_NAME
    FROM information_schema.TABLE_CONSTRAINTS c
    JOIN information_schema.KEY_COLUMN_USAGE k
    USING (TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME)
    WHERE c.TABLE_SCHEMA = DATABASE() AND c.CONSTRAINT_TYPE IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')
      AND (k.REFERENCED_TABLE_SCHEMA IS NULL OR k.REFERENCED_TABLE_SCHEMA = DATABASE())
    ORDER BY c.TABLE_NAME, c.CONSTRAINT_TYPE, c.CONSTRAINT_NAME, k.ORDINAL_POSITION
"""
KINDS = {"PRIMARY KEY": 0, "UNIQUE": 1, "FOREIGN KEY": 2}
PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(kw_only=True)
class Key:
    """A key on its way into DDL; a foreign one refers to `columns_there` of `table`."""

    kind: str
    columns: list[str] = field(default_factory=list)
    table: str | None = None
    columns_there: list[str] = field(default_factory=list)

    def text(self) -> str:
        here = f"{self.kind} ({_listed(self.columns)})"
        return (
            f"{here} REFERENCES {quoted(self.table)} ({_listed(self.columns_there)})" if self.table else here
        )


@dataclass(kw_only=True)
class Relation:
    """One table or view on its way into DDL; a view whose definition may not be read has None for it."""

    name: str
    comment: str
    definition: str | None
    is_view: bool
    columns: list[tuple[str, str, str]] = field(default_factory=list)
    keys: dict[str, Key] = field(default_factory=dict)


def read_ddl(connection: Connection) -> str:
    """CREATE TABLE (referenced ones first where they can be), left-over keys, views after those they read."""
    ((database, sql_mode),) = rows_of(connection, "SELECT DATABASE(), @@SESSION.sql_mode")
    relations = _relations(connection)
    tables = {name: found for name, found in relations.items() if found.definition is None}
    views = {name: found for name, found in relations.items() if found.definition is not None}
    bodies = {name: _local(found.definition or "", database, sql_mode) for name, found in views.items()}
    parts = [
        *_create_tables(_in_order(tables, {name: _referenced(found) for name, found in tables.items()})),
        *(_create_view(view, bodies[view.name]) for view in _in_order(views, _read(views, bodies, sql_mode))),
    ]
    return "\n".join(parts)


def quoted(name: str) -> str:
    """The name as DDL spells it: bare where it can be."""
    if PLAIN_NAME.fullmatch(name) and name.lower() not in MYSQL.reserved:
        return name
    return "`" + name.replace("`", "``") + "`"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in names)


def _relations(connection: Connection) -> dict[str, Relation]:
    """By name; a view whose definition may not be read becomes a table, as its columns are known."""
    relations = {
        name: Relation(name=name, comment=comment or "", definition=definition or None, is_view=bool(is_view))
        for name, comment, definition, is_view in rows_of(connection, RELATIONS)
    }
    for table, name, type_, nullable, comment in rows_of(connection, COLUMNS):
        if table in relations:
            required = "" if nullable == "YES" or relations[table].is_view else " NOT NULL"
            relations[table].columns.append((quoted(name), f"{_text(type_)}{required}", comment or ""))
    relations = {name: found for name, found in relations.items() if found.columns}
    for table, constraint, kind, column, there, column_there in rows_of(connection, KEYS):
        if table in relations and (there is None or there in relations):
            key = relations[table].keys.setdefault(f"{kind} {constraint}", Key(kind=kind, table=there))
            key.columns.append(column)
            key.columns_there += [column_there] if column_there else []
    return relations


def _text(value: Any) -> str:
    """Some servers send types as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)


def _referenced(table: Relation) -> set[str]:
    return {key.table for key in table.keys.values() if key.table is not None}


def _read(views: Mapping[str, Relation], bodies: Mapping[str, str], sql_mode: str) -> dict[str, set[str]]:
    """The views that each view reads, among other names."""
    modes = Modes.of(sql_mode)
    return {name: {text for _, text in tokens(bodies[name], modes)} & views.keys() for name in views}


def _in_order(relations: Mapping[str, Relation], needs: Mapping[str, set[str]]) -> list[Relation]:
    """Each behind those it needs, where there is no cycle."""
    waiting, ordered = dict(relations), list[Relation]()

    def place(name: str) -> None:
        relation = waiting.pop(name)
        for needed in sorted(needs[name]):
            if needed in waiting:
                place(needed)
        ordered.append(relation)

    while waiting:
        place(next(iter(waiting)))
    return ordered


def _create_tables(tables: list[Relation]) -> Iterator[str]:
    """Each CREATE TABLE with its foreign keys; those of a cycle are added at the end."""
    made: set[str] = set()
    late: dict[str, list[str]] = defaultdict(list)
    for table in tables:
        made.add(table.name)
        keys = list[str]()
        for key in sorted(table.keys.values(), key=lambda key: KINDS[key.kind]):
            (keys if key.table is None or key.table in made else late[table.name]).append(key.text())
        yield _create_table(table, keys)
    for name, texts in late.items():
        yield "".join(f"ALTER TABLE {quoted(name)} ADD {text};\n" for text in texts)


def _create_table(table: Relation, keys: list[str]) -> str:
    lines = [(f"    {name} {type_}", comment) for name, type_, comment in table.columns]
    lines += [(f"    {key}", "") for key in keys]
    body = "\n".join(
        f"{text}{',' if number < len(lines) else ''}{_remark('  ', comment)}"
        for number, (text, comment) in enumerate(lines, 1)
    )
    comment = "" if table.is_view else table.comment
    return f"{_heading(comment)}CREATE TABLE {quoted(table.name)} (\n{body}\n);\n"


def _create_view(view: Relation, body: str) -> str:
    columns = ", ".join(name for name, _, _ in view.columns)
    return f"CREATE VIEW {quoted(view.name)} ({columns}) AS\n{body};\n"


def _local(definition: str, database: str, sql_mode: str) -> str:
    """A view's query without the name of its own database, which is not part of the schema."""
    prefix = "`" + database.replace("`", "``") + "`."
    quote = "\"'" if "ANSI_QUOTES" not in sql_mode else "'"
    strings = re.compile(rf"([{quote}])(?:\\.|(?!\1).)*\1|{re.escape(prefix)}", re.DOTALL)
    return strings.sub(lambda match: "" if match[0] == prefix else match[0], definition)


def _heading(comment: str) -> str:
    return f"{_remark('', comment)}\n" if comment else ""


def _remark(before: str, comment: str) -> str:
    return f"{before}-- {' '.join(comment.split())}" if comment else ""
