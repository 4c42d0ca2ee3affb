"""Which columns a relation of the DDL has: its own, its parents', or those of its defining query."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlglot
from sqlglot.errors import SqlglotError

from farm.sql.ddl import Relation

if TYPE_CHECKING:
    from farm.sql.schema import Schema


def output_columns(relation: Relation, schema: "Schema") -> Sequence[tuple[str, str]] | None:
    """(name, type) pairs with "" for an unknown type; None where they cannot be worked out."""
    if relation.is_virtual:
        return None
    if relation.body is not None:
        return relation.columns if relation.is_view and relation.columns else _of_query(relation.body, schema)
    inherited = _of_parents(relation, schema)
    return None if inherited is None else [*inherited, *relation.columns]


def _of_parents(relation: Relation, schema: "Schema") -> list[tuple[str, str]] | None:
    columns: list[tuple[str, str]] = []
    for parent in relation.parents:
        table = schema.find(parent, quoted=True)
        if table is None or table.columns is None:
            return None
        columns += [(name, table.types.get(folded, "")) for folded, name in table.columns.items()]
    return columns


def _of_query(body: str, schema: "Schema") -> list[tuple[str, str]] | None:
    from farm.sql.scopes import resolve

    try:
        tree = sqlglot.parse_one(body, read=schema.rules.name)
        columns = resolve(tree, schema, body).columns
    except (SqlglotError, RecursionError, ValueError):
        return None
    return [(name, "") for name in columns.names.values()] if columns.complete else None
