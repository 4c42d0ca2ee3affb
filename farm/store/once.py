"""Inserting rows so that a write that is repeated counts once."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from farm.store.tables import Base


def insert_once(connection: Connection, table: type[Base], rows: Sequence[dict[str, Any]]) -> int:
    """Insert what is not there yet; returns how many rows were new."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return connection.execute(insert(table).on_conflict_do_nothing(), rows).rowcount
