"""Inserting rows so that a write that is repeated counts once."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from farm.store.tables import Base


def insert_once(connection: Connection, table: type[Base], rows: Sequence[dict[str, Any]]) -> int:
    """Insert what is not there yet; returns how many rows were new."""
    return connection.execute(_insert(connection, table), rows).rowcount


def insert_new(
    connection: Connection, table: type[Base], rows: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The same; returns the rows that were new. Of two with the same key the first one counts."""
    keys = list(cast(Table, table.__table__).primary_key.columns)
    done = connection.execute(_insert(connection, table).returning(*keys), rows)
    new = {tuple(key) for key in done}
    by_key: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        by_key.setdefault(tuple(row[column.name] for column in keys), row)
    return [row for key, row in by_key.items() if key in new]


def _insert(connection: Connection, table: type[Base]) -> Any:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing()
